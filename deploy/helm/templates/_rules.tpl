{{/* Kubernetes' own rules for names: what an API server would refuse, said before it is asked. */}}

{{/* Of what (the value's path), text and rule; fails with the three. */}}
{{- define "locust-cw.obey" -}}
{{- $part := "[a-z0-9]([-a-z0-9]*[a-z0-9])?" -}}
{{- $qualified := "([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)" -}}
{{- $rules := dict
  "service" (list "[a-z]([-a-z0-9]{0,61}[a-z0-9])?" 63 "lower-case letters, digits and hyphens, with a letter first and no hyphen last, as the name of a Service")
  "label" (list $part 63 "lower-case letters, digits and hyphens, with no hyphen first or last, at most 63")
  "name" (list (printf "%s(\\.%s)*" $part $part) 253 "lower-case letters, digits, hyphens and dots, with a letter or digit first and last, at most 253")
  "host" (list (printf "((\\*\\.)?%s(\\.%s)*)?" $part $part) 253 "a host name in lower case, as locust.example.com or *.example.com")
  "key" (list "\\.?[-_a-zA-Z0-9][-._a-zA-Z0-9]*" 253 "letters, digits, hyphens, underscores and dots, since it is the key of a ConfigMap: no folders")
  "labelKey" (list (printf "(%s(\\.%s)*/)?%s" $part $part $qualified) 317 "a label's key, as team or example.com/team")
  "labelValue" (list (printf "%s?" $qualified) 63 "a label's value: at most 63 letters, digits, hyphens, underscores and dots, with a letter or digit first and last")
  "variable" (list "[-._a-zA-Z][-._a-zA-Z0-9]*" 253 "letters, digits, hyphens, underscores and dots, with no digit first")
  "repository" (list "[^\\s@:]+(:[0-9]+/[^\\s@:]+)?" 255 "an image's name without tag and digest: they are image.tag and image.digest")
  "tag" (list "([A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?" 128 "at most 128 letters, digits, underscores, dots and hyphens, with no dot or hyphen first"
  ) -}}
{{- $rule := get $rules .rule -}}
{{- if or (gt (len .text) (int (index $rule 1))) (not (regexMatch (printf "^(%s)$" (index $rule 0)) .text)) -}}
{{- fail (printf "%s: got %q, must be %s" .what .text (index $rule 2)) -}}
{{- end -}}
{{- end -}}

{{/* Values that name an object; an empty one names none. */}}
{{- define "locust-cw.checkNames" -}}
{{- $values := .Values -}}
{{- include "locust-cw.obey" (dict "what" "the release's namespace" "text" .Release.Namespace "rule" "label") -}}
{{- range $key := list "nameOverride" "fullnameOverride" -}}
{{- with index $values $key -}}{{- include "locust-cw.obey" (dict "what" $key "text" . "rule" "service") -}}{{- end -}}
{{- end -}}
{{- include "locust-cw.obey" (dict "what" "image.repository" "text" $values.image.repository "rule" "repository") -}}
{{- include "locust-cw.obey" (dict "what" "image.tag" "text" $values.image.tag "rule" "tag") -}}
{{- $names := dict
  "locustfile.existingConfigMap" $values.locustfile.existingConfigMap
  "locustfile.existingLibConfigMap" $values.locustfile.existingLibConfigMap
  "proxy.existingSecret" $values.proxy.existingSecret
  "spool.existingClaim" $values.spool.existingClaim
  "spool.storageClass" $values.spool.storageClass
  "master.priorityClassName" $values.master.priorityClassName
  "worker.priorityClassName" $values.worker.priorityClassName
  "web.login.existingSecret" $values.web.login.existingSecret
  "web.tls.existingSecret" $values.web.tls.existingSecret
  "ingress.className" $values.ingress.className
  "serviceAccount.master.name" $values.serviceAccount.master.name
  "serviceAccount.worker.name" $values.serviceAccount.worker.name
  "runtimeClassName" $values.runtimeClassName
  "schedulerName" $values.schedulerName -}}
{{- range $values.image.pullSecrets -}}{{- $_ := set $names "image.pullSecrets" .name -}}{{- end -}}
{{- range $values.ingress.tls -}}{{- $_ := set $names "ingress.tls" .secretName -}}{{- end -}}
{{- range $what, $text := $names -}}
{{- with $text -}}{{- include "locust-cw.obey" (dict "what" $what "text" . "rule" "name") -}}{{- end -}}
{{- end -}}
{{- range $values.ingress.hosts -}}
{{- include "locust-cw.obey" (dict "what" "ingress.hosts" "text" .host "rule" "host") -}}
{{- if regexMatch "^[0-9.]+$" .host -}}{{- fail (printf "ingress.hosts: got %q, must be a host name: an Ingress takes no addresses" .host) -}}{{- end -}}
{{- end -}}
{{- range $what := list "files" "lib" -}}
{{- range $key, $_ := index $values.locustfile $what -}}
{{- include "locust-cw.obey" (dict "what" (printf "locustfile.%s" $what) "text" $key "rule" "key") -}}
{{- end -}}
{{- end -}}
{{- include "locust-cw.checkLabels" . -}}
{{- end -}}

{{/* Labels and annotations, and which labels are not the user's: Services, policies and Kubernetes itself select by them. */}}
{{- define "locust-cw.checkLabels" -}}
{{- $values := .Values -}}
{{- $own := list "app.kubernetes.io/name" "app.kubernetes.io/instance" "app.kubernetes.io/component" "locust-cw/run"
  "job-name" "controller-uid" "pod-template-hash" "batch.kubernetes.io/job-name" "batch.kubernetes.io/controller-uid"
  "batch.kubernetes.io/job-completion-index" "apps.kubernetes.io/pod-index" -}}
{{- $labels := dict "commonLabels" $values.commonLabels "podLabels" $values.podLabels "job.labels" $values.job.labels
  "master.podLabels" $values.master.podLabels "worker.podLabels" $values.worker.podLabels -}}
{{- range $what, $map := $labels -}}
{{- range $key, $_ := $map -}}
{{- if has $key $own -}}{{- fail (printf "%s: %s can't be changed: Services and policies select by it" $what $key) -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- range $what, $map := merge (dict "master.nodeSelector" $values.master.nodeSelector "worker.nodeSelector" $values.worker.nodeSelector) $labels -}}
{{- range $key, $text := $map -}}
{{- include "locust-cw.obey" (dict "what" $what "text" $key "rule" "labelKey") -}}
{{- include "locust-cw.obey" (dict "what" (printf "%s: %s" $what $key) "text" $text "rule" "labelValue") -}}
{{- end -}}
{{- end -}}
{{- $annotations := dict "commonAnnotations" $values.commonAnnotations "podAnnotations" $values.podAnnotations "job.annotations" $values.job.annotations
  "master.podAnnotations" $values.master.podAnnotations "worker.podAnnotations" $values.worker.podAnnotations
  "serviceAccount.master.annotations" $values.serviceAccount.master.annotations "serviceAccount.worker.annotations" $values.serviceAccount.worker.annotations
  "service.annotations" $values.service.annotations "web.serviceAnnotations" $values.web.serviceAnnotations "ingress.annotations" $values.ingress.annotations -}}
{{- range $what, $map := $annotations -}}
{{- range $key, $_ := $map -}}{{- include "locust-cw.obey" (dict "what" $what "text" (lower $key) "rule" "labelKey") -}}{{- end -}}
{{- end -}}
{{- end -}}
