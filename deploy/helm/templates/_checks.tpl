{{/* What values.schema.json can't say: each a line with what is wrong and what is right. */}}

{{- define "locust-cw.checks" -}}
{{- $values := .Values -}}
{{- if not $values.image.repository -}}
{{- fail "image.repository is required: no image is published; 'deploy/image/push.sh REPOSITORY' builds yours and pushes it; then set image.repository=REPOSITORY" -}}
{{- end -}}
{{- if and .Chart.IsRoot (not $values.enabled) -}}
{{- fail "enabled: false is for a parent chart, whose Chart.yaml says 'condition: locust-cw.enabled'; this is no part of one" -}}
{{- end -}}
{{- include "locust-cw.checkNames" . -}}
{{- include "locust-cw.checkMode" . -}}
{{- include "locust-cw.checkIdentity" . -}}
{{- include "locust-cw.checkOptions" . -}}
{{- include "locust-cw.checkFolders" . -}}
{{- include "locust-cw.checkCollisions" . -}}
{{- end -}}

{{- define "locust-cw.checkLocustfile" -}}
{{- $file := .Values.locustfile -}}
{{- $given := list -}}
{{- range list "content" "existingConfigMap" "imagePath" "volume" "sample" -}}
{{- if index $file . -}}{{- $given = append $given (printf "locustfile.%s" .) -}}{{- end -}}
{{- end -}}
{{- if ne (len $given) 1 -}}
{{- fail (printf "set one of locustfile.content (--set-file locustfile.content=locustfile.py), locustfile.existingConfigMap, locustfile.imagePath and locustfile.volume, or locustfile.sample=true; set: %s" ($given | join ", " | default "none")) -}}
{{- end -}}
{{- if and $file.files (not $file.content) -}}
{{- fail "locustfile.files lie beside locustfile.content, which is not set" -}}
{{- end -}}
{{- if and $file.lib $file.existingLibConfigMap -}}
{{- fail "set locustfile.lib or locustfile.existingLibConfigMap, not both" -}}
{{- end -}}
{{- range $what, $texts := dict "locustfile.content and locustfile.files" (append (values $file.files) $file.content) "locustfile.lib" (values $file.lib) -}}
{{- $bytes := 0 -}}
{{- range $texts -}}{{- $bytes = add $bytes (len .) -}}{{- end -}}
{{- if gt $bytes 1000000 -}}
{{- fail (printf "%s: %d bytes, but a ConfigMap takes 1 MiB and a Helm release no more: use locustfile.imagePath or locustfile.volume" $what $bytes) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "locust-cw.checkMode" -}}
{{- $values := .Values -}}
{{- if eq $values.mode "job" -}}
{{- if not (or $values.locust.runTime $values.job.activeDeadlineSeconds) -}}
{{- fail "mode job: set locust.runTime (as 10m); or job.activeDeadlineSeconds, where a shape class ends the run" -}}
{{- end -}}
{{- range list "autoscaling" "keda" "ingress" -}}
{{- if (index $values .).enabled -}}{{- fail (printf "%s.enabled needs mode web: in mode job the workers are a Job of worker.replicas pods, and there is no web UI" .) -}}{{- end -}}
{{- end -}}
{{- if or $values.web.login.enabled $values.locust.autostart -}}
{{- fail "web.login.enabled and locust.autostart need mode web: a headless run has no web UI and starts by itself" -}}
{{- end -}}
{{- if kindIs "string" $values.podDisruptionBudget.workerMinAvailable -}}
{{- fail "podDisruptionBudget.workerMinAvailable: in mode job a whole number, since Kubernetes can't scale a Job and so knows no share of it" -}}
{{- end -}}
{{- end -}}
{{- if and $values.autoscaling.enabled $values.keda.enabled -}}
{{- fail "set autoscaling.enabled or keda.enabled, not both: KEDA makes a HorizontalPodAutoscaler of its own" -}}
{{- end -}}
{{- range list "autoscaling" "keda" -}}
{{- $scaler := index $values . -}}
{{- if and $scaler.enabled (gt (int $scaler.minReplicas) (int $scaler.maxReplicas)) -}}
{{- fail (printf "%s.minReplicas: got %d, must be at most maxReplicas, %d" . (int $scaler.minReplicas) (int $scaler.maxReplicas)) -}}
{{- end -}}
{{- end -}}
{{- if and $values.ingress.enabled $values.networkPolicy.enabled (not $values.networkPolicy.webFrom) -}}
{{- fail "ingress.enabled: say in networkPolicy.webFrom where the ingress controller runs, as [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: ingress-nginx}}}]" -}}
{{- end -}}
{{- if and (eq $values.mode "web") (ne $values.web.serviceType "ClusterIP") $values.networkPolicy.enabled (not $values.networkPolicy.webFrom) -}}
{{- fail (printf "web.serviceType %s: say in networkPolicy.webFrom who may reach the web UI, as [{ipBlock: {cidr: 10.0.0.0/8}}]" $values.web.serviceType) -}}
{{- end -}}
{{- $most := include "locust-cw.workers" . | int -}}
{{- if and (not (kindIs "invalid" $values.locust.expectWorkers)) (gt (int $values.locust.expectWorkers) $most) -}}
{{- fail (printf "locust.expectWorkers: got %d, but there are %d workers: the master would wait for ever; leave it out to follow the replicas" (int $values.locust.expectWorkers) $most) -}}
{{- end -}}
{{- include "locust-cw.checkExtraArgs" . -}}
{{- end -}}

{{/* What the chart sets itself, or derives something from: grace periods, the deadline, probes, what workers are awaited. */}}
{{- define "locust-cw.checkExtraArgs" -}}
{{- $short := "[fHurtsLTEP]" -}}
{{- $long := list
  "master" "master-host" "master-port" "master-bind-port" "worker" "processes" "expect-workers" "expect-workers-max-wait"
  "locustfile" "host" "users" "spawn-rate" "run-time" "stop-timeout" "tags" "exclude-tags" "headless" "autostart"
  "exit-code-on-error" "loglevel" "only-summary" "enable-rebalancing"
  "web-port" "web-base-path" "web-login" "tls-cert" "tls-key" -}}
{{- range concat .Values.locust.extraArgs .Values.locust.workerExtraArgs -}}
{{- if hasPrefix "--cw-" . -}}
{{- fail (printf "locust.extraArgs and locust.workerExtraArgs: %s is a value of cloudwatch" .) -}}
{{- else if regexMatch (printf "^(-%s|--(%s)(=|$))" $short (join "|" $long)) . -}}
{{- fail (printf "locust.extraArgs and locust.workerExtraArgs: %s is the chart's own; see mode, worker.replicas, locust and web" .) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "locust-cw.checkIdentity" -}}
{{- $values := .Values -}}
{{- if and (eq $values.aws.identity "irsa") (not $values.aws.irsaRoleArn) $values.serviceAccount.master.create -}}
{{- fail "aws.identity irsa: set aws.irsaRoleArn, as arn:aws:iam::123456789012:role/locust-cw" -}}
{{- end -}}
{{- if and $values.aws.irsaRoleArn (ne $values.aws.identity "irsa") -}}
{{- fail (printf "aws.irsaRoleArn needs aws.identity irsa; it is %s" $values.aws.identity) -}}
{{- end -}}
{{- range $role, $account := $values.serviceAccount -}}
{{- if not (or $account.create $account.name) -}}
{{- fail (printf "serviceAccount.%s: set name where create is false" $role) -}}
{{- end -}}
{{- end -}}
{{- if eq (include "locust-cw.serviceAccount" (dict "root" . "role" "master")) (include "locust-cw.serviceAccount" (dict "root" . "role" "worker")) -}}
{{- fail "serviceAccount: master and worker must have different names: workers would get the master's role" -}}
{{- end -}}
{{- if and $values.proxy.url $values.proxy.existingSecret -}}
{{- fail "set proxy.url or proxy.existingSecret, not both" -}}
{{- end -}}
{{- end -}}

{{- define "locust-cw.checkOptions" -}}
{{- $cloudwatch := .Values.cloudwatch -}}
{{- range $name, $needs := (include "locust-cw.aboutOptions" . | fromJson).needs -}}
{{- $given := dict -}}
{{- range $needs -}}{{- if index $cloudwatch . -}}{{- $_ := set $given . true -}}{{- end -}}{{- end -}}
{{- if and (index $cloudwatch $name) (not $given) -}}
{{- fail (printf "cloudwatch.%s: left out, or set together with cloudwatch.%s" $name (join " or cloudwatch." $needs)) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The root filesystem can't be written: a file that the master writes must lie on a volume. */}}
{{- define "locust-cw.checkFolders" -}}
{{- $writable := list "/mnt/results" "/mnt/home" "/tmp" -}}
{{- range concat .Values.extraVolumeMounts .Values.master.extraVolumeMounts -}}
{{- $writable = append $writable (trimSuffix "/" .mountPath) -}}
{{- end -}}
{{- $cloudwatch := .Values.cloudwatch -}}
{{- range (include "locust-cw.aboutOptions" . | fromJson).written -}}
{{- $path := index $cloudwatch . -}}
{{- $known := or (not $path) (and (eq . "record") (hasPrefix "s3://" $path)) -}}
{{- range $writable -}}
{{- if or (eq $path .) (hasPrefix (printf "%s/" .) $path) -}}{{- $known = true -}}{{- end -}}
{{- end -}}
{{- if not $known -}}
{{- fail (printf "cloudwatch.%s: got %q, must be below a volume (%s)%s" . $path (join ", " $writable) (ternary " or s3://BUCKET/PREFIX" "" (eq . "record"))) -}}
{{- end -}}
{{- end -}}
{{- end -}}
