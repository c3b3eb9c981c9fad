{{/*
What is given under a name that the chart uses itself. Each is there once. What is given goes before the chart's own where the
chart still works then; where it would not, these say which value to use.
*/}}
{{- define "locust-cw.checkCollisions" -}}
{{- if and .Values.locustfile.content (hasKey .Values.locustfile.files .Values.locustfile.name) -}}
{{- fail (printf "locustfile.files: %s is the locustfile itself, from locustfile.content" .Values.locustfile.name) -}}
{{- end -}}
{{- $arn := get .Values.serviceAccount.master.annotations "eks.amazonaws.com/role-arn" -}}
{{- if and $arn .Values.aws.irsaRoleArn (ne $arn .Values.aws.irsaRoleArn) -}}
{{- fail "serviceAccount.master.annotations: eks.amazonaws.com/role-arn is that of aws.irsaRoleArn; set one of them" -}}
{{- end -}}
{{- include "locust-cw.checkEnv" . -}}
{{- range $role := list "master" "worker" -}}
{{- include "locust-cw.checkVolumes" (dict "root" $ "role" $role "own" (index $.Values $role)) -}}
{{- include "locust-cw.checkContainers" (dict "root" $ "role" $role "own" (index $.Values $role)) -}}
{{- end -}}
{{- end -}}

{{/* Variables that are an argument of the chart's, or one of the options that it puts into a ConfigMap. */}}
{{- define "locust-cw.checkEnv" -}}
{{- $options := include "locust-cw.options" . | fromYaml -}}
{{- $args := list "MODE_MASTER" "MODE_WORKER" "MASTER_NODE_HOST" "MASTER_NODE_PORT" "MASTER_BIND_PORT" "PROCESSES" "EXPECT_WORKERS"
  "EXPECT_WORKERS_MAX_WAIT" "LOCUSTFILE" "HEADLESS" "AUTOSTART" "WEB_PORT" "WEB_BASE_PATH" "WEB_LOGIN" "TLS_CERT" "TLS_KEY" -}}
{{- $values := .Values -}}
{{- range $what, $variables := dict "extraEnv" $values.extraEnv "master.extraEnv" $values.master.extraEnv "worker.extraEnv" $values.worker.extraEnv -}}
{{- range $variables -}}
{{- include "locust-cw.obey" (dict "what" $what "text" .name "rule" "variable") -}}
{{- if and (hasKey $options .name) (ne $what "worker.extraEnv") -}}
{{- fail (printf "%s: %s is a value of cloudwatch, which is set, too; set one of them" $what .name) -}}
{{- else if has (trimPrefix "LOCUST_" .name) $args -}}
{{- fail (printf "%s: %s is the chart's own; see mode, worker.replicas, locust, locustfile and web" $what .name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Of role and own. Volumes of the user's own may stand in for those of /tmp, of the home folder and of /mnt/results alone. */}}
{{- define "locust-cw.checkVolumes" -}}
{{- $free := list "tmp" "home" "results" -}}
{{- $values := dict "locustfile" "locustfile" "lib" "locustfile.lib" "spool" "spool and cloudwatch.spoolDir" "tls" "web.tls" "rules" "cloudwatch.rules" -}}
{{- $volumes := include "locust-cw.ownVolumes" . | fromYamlArray -}}
{{- $given := concat .root.Values.extraVolumes .own.extraVolumes -}}
{{- $names := list -}}
{{- range $given -}}
{{- include "locust-cw.obey" (dict "what" (printf "extraVolumes and %s.extraVolumes" $.role) "text" .name "rule" "label") -}}
{{- $names = append $names .name -}}
{{- end -}}
{{- range $volumes -}}
{{- if and (has .name $names) (not (has .name $free)) -}}
{{- fail (printf "extraVolumes and %s.extraVolumes: the volume %s is the chart's own; see %s" $.role .name (get $values .name)) -}}
{{- end -}}
{{- $names = append $names .name -}}
{{- end -}}
{{- $paths := dict -}}
{{- range include "locust-cw.ownVolumeMounts" . | fromYamlArray -}}
{{- if not (has .name $free) -}}{{- $_ := set $paths (trimSuffix "/" .mountPath) .name -}}{{- end -}}
{{- end -}}
{{- range concat .root.Values.extraVolumeMounts .own.extraVolumeMounts -}}
{{- $name := get $paths (trimSuffix "/" .mountPath) -}}
{{- if $name -}}
{{- fail (printf "extraVolumeMounts and %s.extraVolumeMounts: %s is where the chart's own volume %s is; see %s" $.role .mountPath $name (get $values $name)) -}}
{{- else if not (has .name $names) -}}
{{- fail (printf "extraVolumeMounts and %s.extraVolumeMounts: got the volume %q, must be one of %s" $.role .name (sortAlpha $names | join ", ")) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Of role and own. All containers of a pod share its ports, and each has a name of its own. */}}
{{- define "locust-cw.checkContainers" -}}
{{- $names := list "locust" -}}
{{- range concat .own.initContainers .own.sidecars -}}
{{- include "locust-cw.obey" (dict "what" (printf "%s.initContainers and %s.sidecars" $.role $.role) "text" .name "rule" "label") -}}
{{- if has .name $names -}}
{{- fail (printf "%s.initContainers and %s.sidecars: a container %s is there already%s" $.role $.role .name (ternary ", the chart's own" "" (eq .name "locust"))) -}}
{{- end -}}
{{- $names = append $names .name -}}
{{- end -}}
{{- range .own.sidecars -}}
{{- if ne (.restartPolicy | default "Always") "Always" -}}
{{- fail (printf "%s.sidecars: %s has restartPolicy %s, must be Always or left out: another one would keep the Job alive" $.role .name .restartPolicy) -}}
{{- end -}}
{{- end -}}
{{- if eq .role "master" -}}
{{- $ports := dict "workers" 5557 -}}
{{- if eq .root.Values.mode "web" -}}{{- $_ := set $ports "web" 8089 -}}{{- end -}}
{{- range $sidecar := .own.sidecars -}}
{{- range $port := $sidecar.ports -}}
{{- range $name, $number := $ports -}}
{{- if or (eq (int $port.containerPort) $number) (eq (toString $port.name) $name) -}}
{{- fail (printf "master.sidecars: %s has the port %s (%d), which is the chart's own" $sidecar.name $name $number) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
