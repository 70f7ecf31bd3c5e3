{{/* Names hold the release's, so two releases do not meet; at most 50 characters leave room for what is added. */}}
{{- define "plimsoll.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{- define "plimsoll.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else if contains (include "plimsoll.name" .) .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "plimsoll.name" .) | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* What never changes during a release's life, and so may stand in selectors. kubectl plimsoll looks for the name. */}}
{{- define "plimsoll.selectorLabels" -}}
app.kubernetes.io/name: plimsoll
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/* Of the agent's pods: nothing of the chart's version, which would restart agents that did not change. */}}
{{- define "plimsoll.podLabels" -}}
{{ include "plimsoll.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: plimsoll
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "plimsoll.metaLabels" -}}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: plimsoll
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "plimsoll.labels" -}}
{{ include "plimsoll.selectorLabels" . }}
{{ include "plimsoll.metaLabels" . }}
{{- end -}}

{{/* Labels of the hooks' objects: another name, so that no selector of the agent's takes them for agents. */}}
{{- define "plimsoll.hookLabels" -}}
app.kubernetes.io/name: plimsoll-{{ .component }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- define "plimsoll.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "plimsoll.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{/* image: {registry, repository, tag, digest}, tag: where none is given */}}
{{- define "plimsoll.imageOf" -}}
{{- $registry := default .image.registry .root.Values.global.imageRegistry -}}
{{- $name := ternary (printf "%s/%s" $registry .image.repository) .image.repository (ne $registry "") -}}
{{- if .image.digest -}}
{{- printf "%s@%s" $name .image.digest -}}
{{- else -}}
{{- printf "%s:%s" $name (default .tag .image.tag) -}}
{{- end -}}
{{- end -}}

{{- define "plimsoll.image" -}}
{{- include "plimsoll.imageOf" (dict "root" . "image" .Values.image "tag" .Chart.AppVersion) -}}
{{- end -}}

{{- define "plimsoll.pullSecrets" -}}
{{- with concat .Values.global.imagePullSecrets .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "plimsoll.hostNetwork" -}}
{{- $wish := toString .Values.podSecurity.hostNetwork -}}
{{- if or (eq $wish "true") (and (eq $wish "auto") (has "net" .Values.profiles)) -}}true{{- end -}}
{{- end -}}

{{/* Capabilities of the chosen profiles, each once. files/profiles.yaml is made from the agent's own table. */}}
{{- define "plimsoll.capabilities" -}}
{{- $all := .Files.Get "files/profiles.yaml" | fromYaml -}}
{{- $add := list -}}
{{- range .Values.profiles -}}
{{- $profile := index $all.profiles . -}}
{{- if not $profile -}}
{{- fail (printf "profiles: there is no profile %q; there are: %s" . (keys $all.profiles | sortAlpha | join ", ")) -}}
{{- end -}}
{{- range $profile.capabilities -}}
{{- $add = append $add .name -}}
{{- end -}}
{{- end -}}
{{- dict "drop" (list "ALL") "add" ($add | uniq | sortAlpha) | toYaml -}}
{{- end -}}

{{/* Of the agent, and of the clean-up, which does the agent's work backwards. */}}
{{- define "plimsoll.containerSecurity" -}}
runAsUser: 0
runAsGroup: 0
privileged: false
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  {{- include "plimsoll.capabilities" . | nindent 2 }}
{{- with .Values.podSecurity }}
seccompProfile:
  type: {{ .seccompType }}
  {{- if eq .seccompType "Localhost" }}
  localhostProfile: {{ .seccompLocalhostProfile }}
  {{- end }}
{{- if and .appArmorType (semverCompare ">=1.30-0" $.Capabilities.KubeVersion.Version) }}
appArmorProfile:
  type: {{ .appArmorType }}
  {{- if eq .appArmorType "Localhost" }}
  localhostProfile: {{ .appArmorLocalhostProfile }}
  {{- end }}
{{- end }}
{{- if .seLinuxType }}
seLinuxOptions:
  type: {{ .seLinuxType }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Before 1.30 AppArmor's profile is an annotation by container. */}}
{{- define "plimsoll.appArmorAnnotation" -}}
{{- with .root.Values.podSecurity }}
{{- if and .appArmorType (semverCompare "<1.30-0" $.root.Capabilities.KubeVersion.Version) }}
container.apparmor.security.beta.kubernetes.io/{{ $.container }}: {{ ternary (printf "localhost/%s" .appArmorLocalhostProfile) (ternary "unconfined" "runtime/default" (eq .appArmorType "Unconfined")) (eq .appArmorType "Localhost") }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Where pods of the chart run, and how important they are. */}}
{{- define "plimsoll.placement" -}}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
affinity:
  {{- if .Values.affinity }}
  {{- toYaml .Values.affinity | nindent 2 }}
  {{- else }}
  nodeAffinity:
    requiredDuringSchedulingIgnoredDuringExecution:
      nodeSelectorTerms:
      - matchExpressions:
        - {key: type, operator: NotIn, values: [virtual-kubelet]}
        - {key: eks.amazonaws.com/compute-type, operator: NotIn, values: [fargate]}
  {{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Where the agent's work on the node is reached. */}}
{{- define "plimsoll.nodeMounts" -}}
- {name: cgroup, mountPath: /sys/fs/cgroup}
- {name: state, mountPath: /var/lib/plimsoll}
{{- if has "namespaces" .Values.profiles }}
- {name: proc, mountPath: /host/proc}
{{- end }}
{{- if has "net" .Values.profiles }}
- {name: bpf, mountPath: /sys/fs/bpf}
{{- end }}
{{- end -}}

{{- define "plimsoll.nodeVolumes" -}}
- name: cgroup
  hostPath: {path: /sys/fs/cgroup, type: Directory}
- name: state
  hostPath: {path: {{ .Values.stateDir }}, type: DirectoryOrCreate}
{{- if has "namespaces" .Values.profiles }}
# A container's own /proc/sys cannot be written. A holder of SYS_PTRACE reaches the node's files through it all the same.
- name: proc
  hostPath: {path: /proc, type: Directory}
{{- end }}
{{- if has "net" .Values.profiles }}
- name: bpf
  hostPath: {path: /sys/fs/bpf, type: Directory}
{{- end }}
{{- end -}}

{{- define "plimsoll.nodeArgs" -}}
{{- if has "namespaces" .Values.profiles }}
- --proc-root=/host/proc
{{- end }}
{{- end -}}

{{/* What cannot be true together is told before anything is installed. */}}
{{- define "plimsoll.check" -}}
{{- if and .Values.existingConfigMap .Values.config -}}
{{- fail "config and existingConfigMap: give one of them" -}}
{{- end -}}
{{- if and (has "net" .Values.profiles) (eq (toString .Values.podSecurity.hostNetwork) "false") -}}
{{- fail "podSecurity.hostNetwork: profile net controls the node's links, so it needs the node's network (true or auto)" -}}
{{- end -}}
{{- if and (kindIs "map" .Values.config) (dig "network" "enabled" false .Values.config) (not (has "net" .Values.profiles)) -}}
{{- fail "config.network.enabled: traffic control needs profile net in `profiles`" -}}
{{- end -}}
{{- if and (eq .Values.updateStrategy.type "OnDelete") (ne .Values.updateStrategy.mode "replace") -}}
{{- fail "updateStrategy.mode: OnDelete leaves no room for surge; say replace" -}}
{{- end -}}
{{- end -}}
