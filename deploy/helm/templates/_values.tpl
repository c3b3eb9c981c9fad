{{/* The values as the other templates read them. */}}

{{/*
Each file of templates begins with this: values are completed and checked once, whichever Helm renders first. Helm drops a key
that is null (`replicas:` with nothing behind it) from the defaults; it gets its default again.
*/}}
{{- define "locust-cw.init" -}}
{{- if not (hasKey . "locustCwValues") -}}
{{- $_ := set . "locustCwValues" true -}}
{{- include "locust-cw.checkUnknown" . -}}
{{- $defaults := include "locust-cw.defaults" . | fromJson -}}
{{- include "locust-cw.fill" (dict "values" .Values "defaults" $defaults) -}}
{{- include "locust-cw.wholeNumbers" (dict "node" .Values "path" "") -}}
{{- include "locust-cw.omitDefaults" . -}}
{{- include "locust-cw.leaveToOpenshift" (dict "root" . "defaults" $defaults) -}}
{{- include "locust-cw.checkLocustfile" . -}}
{{- include "locust-cw.takeSample" . -}}
{{- include "locust-cw.checks" . -}}
{{- end -}}
{{- end -}}

{{/* In place, of values and defaults: keys that are null or missing get their default. */}}
{{- define "locust-cw.fill" -}}
{{- $values := .values -}}
{{- range $key, $default := .defaults -}}
{{- $given := get $values $key -}}
{{- if or (not (hasKey $values $key)) (kindIs "invalid" $given) -}}
{{- $_ := set $values $key $default -}}
{{- else if and (kindIs "map" $default) (kindIs "map" $given) -}}
{{- include "locust-cw.fill" (dict "values" $given "defaults" $default) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/*
In place, of node and path: whole numbers. Helm reads each number of YAML as a float, and would write a user id as 1.00068e+09.
*/}}
{{- define "locust-cw.wholeNumbers" -}}
{{- $node := .node -}}
{{- $path := .path -}}
{{- range $key, $value := $node -}}
{{- $here := printf "%s%s" $path $key -}}
{{- if kindIs "map" $value -}}
{{- include "locust-cw.wholeNumbers" (dict "node" $value "path" (printf "%s." $here)) -}}
{{- else if kindIs "slice" $value -}}
{{- $items := list -}}
{{- range $index, $item := $value -}}
{{- $held := dict (printf "%d" $index) $item -}}
{{- include "locust-cw.wholeNumbers" (dict "node" $held "path" (printf "%s." $here)) -}}
{{- $items = append $items (get $held (printf "%d" $index)) -}}
{{- end -}}
{{- $_ := set $node $key $items -}}
{{- else if and (kindIs "float64" $value) (eq (floor $value) $value) -}}
{{- if or (gt $value 9007199254740991.0) (lt $value -9007199254740991.0) -}}
{{- fail (printf "%s: a number of YAML keeps 15 digits, so some of this one are lost: write it in quotes" $here) -}}
{{- end -}}
{{- $_ := set $node $key (int64 $value) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Where defaults are maps of Kubernetes, in which a key that is not there has a meaning of its own. */}}
{{- define "locust-cw.kubernetesMaps" -}}
- master.resources
- master.readinessProbe
- master.startupProbe
- worker.resources
- doctor.resources
- autoscaling.behavior
- podSecurityContext
- securityContext
{{- end -}}

{{/* Null means the default, so leaving one out is a value of its own. */}}
{{- define "locust-cw.omitDefaults" -}}
{{- $maps := include "locust-cw.kubernetesMaps" . | fromYamlArray -}}
{{- $defaults := include "locust-cw.defaults" . | fromJson -}}
{{- range $path := .Values.omitDefaults -}}
{{- $values := $.Values -}}
{{- $known := $defaults -}}
{{- $keys := splitList "." $path -}}
{{- $isMap := has $path $maps -}}
{{- $isBelow := $isMap -}}
{{- range $maps -}}{{- if hasPrefix (printf "%s." .) $path -}}{{- $isBelow = true -}}{{- end -}}{{- end -}}
{{- range initial $keys -}}
{{- $values = get $values . | default dict -}}
{{- $known = get $known . | default dict -}}
{{- end -}}
{{- if not (and $isBelow (kindIs "map" $known) (hasKey $known (last $keys))) -}}
{{- fail (printf "omitDefaults: got %q, must be a default of values.yaml, as podSecurityContext.fsGroup, in one of %s" $path (join ", " $maps)) -}}
{{- end -}}
{{- if $isMap -}}{{- $_ := set $values (last $keys) dict -}}{{- else -}}{{- $_ := unset $values (last $keys) -}}{{- end -}}
{{- end -}}
{{- end -}}

{{/* OpenShift gives each namespace users and groups of its own, and refuses others. Those that are not the chart's stay. */}}
{{- define "locust-cw.leaveToOpenshift" -}}
{{- $wanted := toString .root.Values.openshift -}}
{{- if or (eq $wanted "true") (and (eq $wanted "auto") (.root.Capabilities.APIVersions.Has "security.openshift.io/v1")) -}}
{{- $context := .root.Values.podSecurityContext -}}
{{- range $key := list "runAsUser" "runAsGroup" "fsGroup" -}}
{{- if eq (toString (get $context $key)) (toString (int64 (get $.defaults.podSecurityContext $key))) -}}
{{- $_ := unset $context $key -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* In place: what the sample runs with, where nothing else is set. */}}
{{- define "locust-cw.takeSample" -}}
{{- if .Values.locustfile.sample -}}
{{- $_ := set .Values.locustfile "content" (.Files.Get "files/sample.py") -}}
{{- $locust := .Values.locust -}}
{{- $_ := set $locust "users" ($locust.users | default 10) -}}
{{- if not .Values.job.activeDeadlineSeconds -}}{{- $_ := set $locust "runTime" ($locust.runTime | default "1m") -}}{{- end -}}
{{- $cloudwatch := .Values.cloudwatch -}}
{{- if not (or $cloudwatch.service $cloudwatch.namespace) -}}
{{- $_ := set $cloudwatch "service" "sample" -}}
{{- $_ := set $cloudwatch "dryRun" true -}}
{{- end -}}
{{- end -}}
{{- end -}}
