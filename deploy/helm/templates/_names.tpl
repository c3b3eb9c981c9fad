{{/* Names and labels. */}}

{{- define "locust-cw.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 34 | trimSuffix "-" -}}
{{- end -}}

{{/*
34 characters at most: with "-worker-", a run of 16 and an index of 4 a pod's host name has the 63 that it may have. A longer
name is cut with a hash, since two releases may begin alike.
*/}}
{{- define "locust-cw.fullname" -}}
{{- $chart := include "locust-cw.name" . -}}
{{- $full := .Values.fullnameOverride | default (ternary .Release.Name (printf "%s-%s" .Release.Name $chart) (contains $chart .Release.Name)) -}}
{{- if gt (len $full) 34 -}}
{{- printf "%s-%s" ($full | trunc 27 | trimSuffix "-") (sha256sum $full | trunc 6) -}}
{{- else -}}
{{- $full -}}
{{- end -}}
{{- end -}}

{{/* A Job's template can't be changed: each run has a name of its own. */}}
{{- define "locust-cw.runId" -}}
{{- include "locust-cw.text" (.Values.job.runId | default .Release.Revision) -}}
{{- end -}}

{{- define "locust-cw.jobName" -}}
{{- printf "%s-%s-%s" (include "locust-cw.fullname" .root) .role (include "locust-cw.runId" .root) -}}
{{- end -}}

{{- define "locust-cw.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: locust-cw-dist
{{ include "locust-cw.selector" . }}
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Without a role: all pods of the release. */}}
{{- define "locust-cw.selector" -}}
app.kubernetes.io/name: {{ include "locust-cw.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- with .role }}
app.kubernetes.io/component: {{ . }}
{{- end }}
{{- end -}}

{{/* Pods of a Job carry their run, so that a new run's workers never meet the master of the one before. */}}
{{- define "locust-cw.podSelector" -}}
{{ include "locust-cw.selector" . }}
{{- if eq .root.Values.mode "job" }}
locust-cw/run: {{ include "locust-cw.runId" .root | quote }}
{{- end }}
{{- end -}}

{{/* name, labels and annotations: of role, name, and perhaps annotations. */}}
{{- define "locust-cw.metadata" -}}
name: {{ .name }}
namespace: {{ .root.Release.Namespace }}
labels:
  {{- include "locust-cw.labels" . | nindent 2 }}
  {{- with .labels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with merge (dict) (.annotations | default dict) .root.Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "locust-cw.serviceAccount" -}}
{{- $account := index .root.Values.serviceAccount .role -}}
{{- $account.name | default (printf "%s-%s" (include "locust-cw.fullname" .root) .role) -}}
{{- end -}}

{{- define "locust-cw.image" -}}
{{- $image := .Values.image -}}
{{- $image.repository -}}
{{- if $image.digest -}}@{{ $image.digest }}{{- else -}}:{{ $image.tag | default .Chart.AppVersion }}{{- end -}}
{{- end -}}

{{- define "locust-cw.claimName" -}}
{{- .Values.spool.existingClaim | default (printf "%s-spool" (include "locust-cw.fullname" .)) -}}
{{- end -}}
