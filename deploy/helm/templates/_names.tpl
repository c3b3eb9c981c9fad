{{/* Names and labels. */}}

{{/* The chart's name, or its alias in a parent chart, which may have capitals and underscores. */}}
{{- define "locust-cw.name" -}}
{{- .Values.nameOverride | default (.Chart.Name | lower | replace "_" "-") | trunc 34 | trimSuffix "-" -}}
{{- end -}}

{{/*
34 characters at most: with "-worker-", a run of 16 and an index of 4 a pod's host name has the 63 that it may have. A longer
name is cut with a hash, since two releases may begin alike. A Service's name has no dots and begins with a letter, while a release's
name may be 7f3c2a1 or rel.with.dots. Charts of one parent have names of their own, whatever the release's name contains.
*/}}
{{- define "locust-cw.fullname" -}}
{{- $chart := include "locust-cw.name" . -}}
{{- $isNamed := and .Chart.IsRoot (contains $chart .Release.Name) -}}
{{- $full := .Values.fullnameOverride | default (ternary .Release.Name (printf "%s-%s" .Release.Name $chart) $isNamed) -}}
{{- if not (regexMatch "^[a-z]" $full) -}}
{{- $full = ternary (printf "%s-%s" $chart .Release.Name) (printf "locust-cw-%s" $full) (regexMatch "^[a-z]" $chart) -}}
{{- end -}}
{{- if or (gt (len $full) 34) (contains "." $full) -}}
{{- printf "%s-%s" ($full | replace "." "-" | trunc 27 | trimSuffix "-") (sha256sum $full | trunc 6) -}}
{{- else -}}
{{- $full -}}
{{- end -}}
{{- end -}}

{{/* A Job's template can't be changed: each run has a name of its own. */}}
{{- define "locust-cw.runId" -}}
{{- .Values.job.runId | default .Release.Revision -}}
{{- end -}}

{{- define "locust-cw.jobName" -}}
{{- printf "%s-%s-%s" (include "locust-cw.fullname" .root) .role (include "locust-cw.runId" .root) -}}
{{- end -}}

{{/* Maps as YAML, each key once: the first map that has it decides. Nothing where all are empty. */}}
{{- define "locust-cw.eachOnce" -}}
{{- $all := dict -}}
{{- range . -}}
{{- range $key, $value := . -}}
{{- if not (hasKey $all $key) -}}{{- $_ := set $all $key $value -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- if $all -}}{{- toYaml $all -}}{{- end -}}
{{- end -}}

{{/* What nothing selects by. */}}
{{- define "locust-cw.about" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimAll "-_." | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service | quote }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: locust-cw-dist
{{- end -}}

{{/* Without a role: all pods of the release. */}}
{{- define "locust-cw.selector" -}}
app.kubernetes.io/name: {{ include "locust-cw.name" .root | quote }}
app.kubernetes.io/instance: {{ .root.Release.Name | quote }}
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

{{/* name, labels and annotations: of role, name, and perhaps annotations and labels. */}}
{{- define "locust-cw.metadata" -}}
{{- $values := .root.Values -}}
name: {{ .name | quote }}
namespace: {{ .root.Release.Namespace | quote }}
labels:
  {{- include "locust-cw.eachOnce" (list (include "locust-cw.selector" . | fromYaml) .labels $values.commonLabels (include "locust-cw.about" .root | fromYaml)) | nindent 2 }}
{{- with include "locust-cw.eachOnce" (list .annotations $values.commonAnnotations) }}
annotations:
  {{- . | nindent 2 }}
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
