{{/* Times, in seconds. */}}

{{/*
How long a master may need to end: first it waits for the workers' last results, --stop-timeout and 10 s or --cw-flush-timeout
if that is longer; then it publishes for --cw-flush-timeout. 15 s are for Locust's own end.
*/}}
{{- define "locust-cw.masterGrace" -}}
{{- $stop := int .Values.locust.stopTimeoutSeconds -}}
{{- $flush := int (ceil (.Values.cloudwatch.flushTimeout | default 30)) -}}
{{- $derived := add (max (add $stop 10) $flush) $flush 15 -}}
{{- if kindIs "invalid" .Values.master.terminationGracePeriodSeconds -}}
{{- $derived -}}
{{- else -}}
{{- int .Values.master.terminationGracePeriodSeconds -}}
{{- end -}}
{{- end -}}

{{/* A worker lets its tasks finish, then repeats its last frame for up to 18 s; 12 s are for Locust's own end. */}}
{{- define "locust-cw.workerGrace" -}}
{{- if kindIs "invalid" .Values.worker.terminationGracePeriodSeconds -}}
{{- add (int .Values.locust.stopTimeoutSeconds) 30 -}}
{{- else -}}
{{- int .Values.worker.terminationGracePeriodSeconds -}}
{{- end -}}
{{- end -}}

{{/* "1h30m" as seconds; a number alone are seconds. */}}
{{- define "locust-cw.runTimeSeconds" -}}
{{- $text := toString .Values.locust.runTime -}}
{{- $seconds := 0 -}}
{{- if regexMatch "^[0-9]+$" $text -}}
{{- $seconds = int $text -}}
{{- else -}}
{{- range regexFindAll "[0-9]+[hms]" $text -1 -}}
{{- $unit := trimAll "0123456789" . -}}
{{- $seconds = add $seconds (mul (int (trimSuffix $unit .)) (get (dict "h" 3600 "m" 60 "s" 1) $unit)) -}}
{{- end -}}
{{- end -}}
{{- $seconds -}}
{{- end -}}

{{/* The run, the wait for workers, the end, and ten minutes for nodes and images. */}}
{{- define "locust-cw.deadline" -}}
{{- if .Values.job.activeDeadlineSeconds -}}
{{- int .Values.job.activeDeadlineSeconds -}}
{{- else -}}
{{- add (include "locust-cw.runTimeSeconds" . | int) (int .Values.locust.expectWorkersMaxWaitSeconds) (include "locust-cw.masterGrace" . | int) 600 -}}
{{- end -}}
{{- end -}}

{{/* Argo CD and Flux take a Job that Kubernetes removed for one to make again: `never` leaves it. */}}
{{- define "locust-cw.ttl" -}}
{{- if ne (toString .Values.job.ttlSecondsAfterFinished) "never" -}}
ttlSecondsAfterFinished: {{ .Values.job.ttlSecondsAfterFinished }}
{{- end -}}
{{- end -}}
