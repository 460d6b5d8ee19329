{{- define "gracekey.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "gracekey.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- if contains $name .Release.Name }}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}
{{- end }}

{{- /* Names of what is not in a namespace: two releases of one name in two namespaces must not share them. */}}
{{- define "gracekey.clusterName" -}}
{{- printf "%s:%s" .Release.Namespace (include "gracekey.fullname" .) }}
{{- end }}

{{- define "gracekey.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "gracekey.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "gracekey.selectorLabels" -}}
app.kubernetes.io/name: {{ include "gracekey.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "gracekey.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "gracekey.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "gracekey.image" -}}
{{- if .Values.image.digest }}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest }}
{{- else }}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) }}
{{- end }}
{{- end }}

{{- /* What the operator may do where it looks after stores and users. Every rule says what needs it. */}}
{{- define "gracekey.rules" -}}
# Reads them; `patch` puts and takes the finalizer. It never edits a spec, a label or an annotation of yours.
- apiGroups: [gracekey.dev]
  resources: [objectstores, objectusers]
  verbs: [get, list, watch, patch]
# Makes the initial user of a store, and takes it along when the store is deleted.
- apiGroups: [gracekey.dev]
  resources: [objectusers]
  verbs: [create, delete]
- apiGroups: [gracekey.dev]
  resources: [objectstores/status, objectusers/status]
  verbs: [patch]
# Where the API server asks for it before an owner may block a deletion.
- apiGroups: [gracekey.dev]
  resources: [objectstores/finalizers, objectusers/finalizers]
  verbs: [update]
# Writes the Secrets of users; reads the admin Secrets and CA bundles of stores by name. List and watch ask for metadata only.
- apiGroups: [""]
  resources: [secrets]
  verbs: [get, list, watch, create, patch, update, delete]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
# The labels of a namespace, for stores that say who may use them by `allowedNamespaces.from: Selector`.
- apiGroups: [""]
  resources: [namespaces]
  verbs: [get]
{{- end }}
