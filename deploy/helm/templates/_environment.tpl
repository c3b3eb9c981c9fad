{{/* Environment variables, of the options of cloudwatch and of AWS's libraries. */}}

{{/*
The ConfigMap's data: LOCUST_CW_MAX_ENDPOINTS for cloudwatch.maxEndpoints. Maps and lists are a line for each item, as the package
reads them; what is empty, none or false is left to its defaults.
*/}}
{{- define "locust-cw.options" -}}
{{- range $key, $value := .Values.cloudwatch }}
{{- $text := "" -}}
{{- if eq $key "rules" -}}
{{- $text = ternary "/etc/locust-cw/rules/rules.toml" "" (not (empty $value)) -}}
{{- else if kindIs "map" $value -}}
{{- $lines := list -}}
{{- range $name, $content := $value -}}
{{- $content = toString $content -}}
{{- /* A comma separates labels, but in quotes. */ -}}
{{- if and (eq $key "label") (regexMatch "[,\"]" $content) -}}{{- $content = printf "\"%s\"" ($content | replace "\"" "\"\"") -}}{{- end -}}
{{- $lines = append $lines (printf "%s=%s" $name $content) -}}
{{- end -}}
{{- $text = join "\n" $lines -}}
{{- else if kindIs "slice" $value -}}
{{- $text = join "\n" $value -}}
{{- else if kindIs "bool" $value -}}
{{- $text = ternary "true" "" $value -}}
{{- else if not (kindIs "invalid" $value) -}}
{{- $text = toString $value -}}
{{- end -}}
{{- if $text }}
{{ include "locust-cw.variable" $key }}: {{ $text | quote }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "locust-cw.variable" -}}
LOCUST_CW_{{ snakecase . | upper }}
{{- end -}}

{{/*
Lists of maps as one: of key, own (the chart's) and given (lists, the user's). What is given replaces what is the chart's, and a
later list an earlier one; each has one place.
*/}}
{{- define "locust-cw.keyed" -}}
{{- $key := .key -}}
{{- $names := list -}}
{{- $last := dict -}}
{{- range .given -}}
{{- range . -}}
{{- $name := get . $key | trimSuffix "/" -}}
{{- if not (hasKey $last $name) -}}{{- $names = append $names $name -}}{{- end -}}
{{- $_ := set $last $name . -}}
{{- end -}}
{{- end -}}
{{- $all := list -}}
{{- range .own -}}{{- if not (hasKey $last (get . $key)) -}}{{- $all = append $all . -}}{{- end -}}{{- end -}}
{{- range $names -}}{{- $all = append $all (get $last .) -}}{{- end -}}
{{- toYaml $all -}}
{{- end -}}

{{- define "locust-cw.commonEnv" -}}
- {name: HOME, value: /mnt/home}
- {name: PYTHONUNBUFFERED, value: "1"}
- {name: PYTHONDONTWRITEBYTECODE, value: "1"}
{{- if or .Values.locustfile.lib .Values.locustfile.existingLibConfigMap }}
- {name: PYTHONPATH, value: "/mnt/locust:/mnt/locust-lib"}
{{- end }}
{{- end -}}

{{- define "locust-cw.proxyPort" -}}
{{- $ofUrl := regexFind ":[0-9]+$" (urlParse .Values.proxy.url).host | trimPrefix ":" -}}
{{- int (.Values.networkPolicy.proxyPort | default $ofUrl | default 3128) -}}
{{- end -}}

{{- define "locust-cw.masterOwnEnv" -}}
{{ include "locust-cw.commonEnv" . }}
{{- if ne .Values.aws.identity "node" }}
- {name: AWS_EC2_METADATA_DISABLED, value: "true"}
{{- end }}
{{- if .Values.proxy.url }}
- {name: HTTPS_PROXY, value: {{ .Values.proxy.url | quote }}}
- {name: HTTP_PROXY, value: {{ .Values.proxy.url | quote }}}
{{- else if .Values.proxy.existingSecret }}
- {name: HTTPS_PROXY, valueFrom: {secretKeyRef: {name: {{ .Values.proxy.existingSecret | quote }}, key: HTTPS_PROXY}}}
{{- end }}
{{- if or .Values.proxy.url .Values.proxy.existingSecret }}
- {name: NO_PROXY, value: {{ concat (list "169.254.170.23" "[fd00:ec2::23]" "169.254.169.254" "localhost" "127.0.0.1" ".svc" ".cluster.local") .Values.proxy.noProxy | join "," | quote }}}
{{- end }}
{{- end -}}

{{- define "locust-cw.masterEnv" -}}
{{- include "locust-cw.keyed" (dict "key" "name" "own" (include "locust-cw.masterOwnEnv" . | fromYamlArray) "given" (list .Values.extraEnv .Values.master.extraEnv)) -}}
{{- end -}}

{{- define "locust-cw.masterEnvFrom" -}}
- configMapRef: {name: {{ include "locust-cw.fullname" . }}-options}
{{- if and (eq .Values.mode "web") .Values.web.login.existingSecret }}
- secretRef: {name: {{ .Values.web.login.existingSecret | quote }}}
{{- end }}
{{- with concat .Values.extraEnvFrom .Values.master.extraEnvFrom }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "locust-cw.workerOwnEnv" -}}
{{ include "locust-cw.commonEnv" . }}
{{- if not .Values.worker.awsAccess }}
- {name: AWS_EC2_METADATA_DISABLED, value: "true"}
{{- end }}
{{- end -}}

{{- define "locust-cw.workerEnv" -}}
{{- include "locust-cw.keyed" (dict "key" "name" "own" (include "locust-cw.workerOwnEnv" . | fromYamlArray) "given" (list .Values.extraEnv .Values.worker.extraEnv)) -}}
{{- end -}}
