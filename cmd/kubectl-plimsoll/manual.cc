// man: the manual page, made from the verbs and options themselves. docs/man/kubectl-plimsoll.1 is its
// output.
#include <algorithm>
#include <ostream>

#include "cmd/kubectl-plimsoll/command_line.h"
#include "cmd/kubectl-plimsoll/verbs.h"

namespace plimsoll::cli {
namespace {

// Text for troff: a backslash is its escape, "-" a hyphen, and a line must not begin with a request.
std::string roff(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else {
      if ((c == '.' || c == '\'') && (out.empty() || out.back() == '\n')) out += "\\&";
      out += c;
    }
  }
  return out;
}

std::string optionTerm(const CLI::Option& option) {
  std::string term;
  for (const std::string& name : option.get_snames())
    term += (term.empty() ? "" : ", ") + ("\\fB" + roff("-" + name) + "\\fR");
  for (const std::string& name : option.get_lnames())
    term += (term.empty() ? "" : ", ") + ("\\fB" + roff("--" + name) + "\\fR");
  if (term.empty()) return "\\fI" + roff(option.get_name()) + "\\fR";
  const std::string type = option.get_items_expected_max() > 0 ? option.get_type_name() : "";
  if (!type.empty()) term += " \\fI" + roff(type) + "\\fR";
  return term;
}

std::string optionText(const CLI::Option& option) {
  std::string text = option.get_description();
  if (!option.get_default_str().empty()) text += " [" + option.get_default_str() + "]";
  return ".TP\n" + optionTerm(option) + "\n" + roff(text) + "\n";
}

bool isHelp(const CLI::Option& option) { return option.check_name("--help"); }

std::string verbSection(const CLI::App& verb) {
  std::string text = ".SS \"" + roff(verb.get_name()) + "\"\n" + roff(verb.get_description()) + ".\n";
  for (const CLI::Option* option : verb.get_options()) {
    if (!isHelp(*option)) text += optionText(*option);
  }
  return text;
}

}  // namespace

int runMan(const Options&, Streams streams) {
  Options unused;
  const auto app = makeApp(unused, "kubectl plimsoll");
  streams.out
      << ".TH KUBECTL\\-PLIMSOLL 1 \"\" \"plimsoll " << PLIMSOLL_VERSION << "\" \"User Commands\"\n"
      << ".SH NAME\nkubectl\\-plimsoll \\- what containers asked of the kernel, and what they got\n"
      << ".SH SYNOPSIS\n\\fBkubectl plimsoll\\fR \\fIVERB\\fR [\\fIOPTION\\fR]... [\\fIARGUMENT\\fR]...\n"
      << ".SH DESCRIPTION\n"
      << roff(app->get_description()) << ".\nOptions stand after the verb.\n.SH VERBS\n";
  for (const VerbRow& row : verbTable()) {
    if (!row.hidden) streams.out << verbSection(*app->get_subcommand(std::string(row.name)));
  }
  streams.out << ".SH NOTES\n.nf\n" << roff(app->get_footer()) << "\n.fi\n";
  return kExitOk;
}

}  // namespace plimsoll::cli
