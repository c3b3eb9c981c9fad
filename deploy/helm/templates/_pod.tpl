{{/* Pods. */}}

{{/* Pod template's metadata: of role; the checksums roll the pods when a ConfigMap changes. */}}
{{- define "locust-cw.podMetadata" -}}
{{- $own := index .root.Values .role -}}
{{- $values := .root.Values -}}
labels:
  {{- include "locust-cw.eachOnce" (list (include "locust-cw.podSelector" . | fromYaml) $own.podLabels $values.podLabels $values.commonLabels (include "locust-cw.about" .root | fromYaml)) | nindent 2 }}
annotations:
  {{- include "locust-cw.eachOnce" (list $own.podAnnotations $values.podAnnotations $values.commonAnnotations (include "locust-cw.podAnnotations" . | fromYaml)) | nindent 2 }}
{{- end -}}

{{- define "locust-cw.podAnnotations" -}}
checksum/locustfile: {{ toJson .root.Values.locustfile | sha256sum | quote }}
{{- if eq .role "master" }}
checksum/options: {{ print (include "locust-cw.options" .root) .root.Values.cloudwatch.rules | sha256sum | quote }}
{{- end }}
{{- if (index .root.Values .role).protectFromEviction }}
karpenter.sh/do-not-disrupt: "true"
cluster-autoscaler.kubernetes.io/safe-to-evict: "false"
{{- end }}
{{- end -}}

{{/* What all pods of the chart have, that of helm test included: of root, role and own (values of that role). */}}
{{- define "locust-cw.podBasics" -}}
{{- $values := .root.Values -}}
serviceAccountName: {{ include "locust-cw.serviceAccount" (dict "root" .root "role" .account) | quote }}
automountServiceAccountToken: {{ (index $values.serviceAccount .account).automountToken }}
enableServiceLinks: false
securityContext:
  {{- toYaml $values.podSecurityContext | nindent 2 }}
{{- with $values.image.pullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- range $key := list "hostAliases" "dnsPolicy" "dnsConfig" "schedulerName" "runtimeClassName" }}
{{- with index $values $key }}
{{ $key }}:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- range $key := list "nodeSelector" "tolerations" "priorityClassName" }}
{{- with index $.own $key }}
{{ $key }}:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Nodes without these labels are taken for on-demand ones. */}}
{{- define "locust-cw.masterAffinity" -}}
{{- if .Values.master.affinity }}
affinity:
  {{- toYaml .Values.master.affinity | nindent 2 }}
{{- else if .Values.master.avoidSpot }}
affinity:
  nodeAffinity:
    requiredDuringSchedulingIgnoredDuringExecution:
      nodeSelectorTerms:
        - matchExpressions:
            - {key: karpenter.sh/capacity-type, operator: NotIn, values: [spot]}
            - {key: eks.amazonaws.com/capacityType, operator: NotIn, values: [SPOT]}
{{- end }}
{{- end -}}

{{- define "locust-cw.spread" -}}
{{- $selector := include "locust-cw.podSelector" . | fromYaml -}}
{{- with (index .root.Values .role).topologySpreadConstraints }}
topologySpreadConstraints:
  {{- range . }}
  - {{ toYaml (merge (dict) . (dict "labelSelector" (dict "matchLabels" $selector))) | nindent 4 | trim }}
  {{- end }}
{{- end }}
{{- end -}}

{{/* A native sidecar ends when the main container has ended; another container would keep a Job alive. */}}
{{- define "locust-cw.initContainers" -}}
{{- $own := index .root.Values .role -}}
{{- if or $own.initContainers $own.sidecars }}
initContainers:
  {{- with $own.initContainers }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
  {{- range $own.sidecars }}
  - {{ toYaml (merge (dict "restartPolicy" "Always") .) | nindent 4 | trim }}
  {{- end }}
{{- end }}
{{- end -}}

{{/* Of role and own. The pod of helm test has neither spool nor results: another node may hold a claim. */}}
{{- define "locust-cw.ownVolumes" -}}
{{- $name := include "locust-cw.fullname" .root -}}
{{- $values := .root.Values -}}
{{- $file := $values.locustfile -}}
- {name: tmp, emptyDir: {sizeLimit: 1Gi}}
- {name: home, emptyDir: {sizeLimit: 256Mi}}
{{- if $file.volume }}
- {{ merge (dict "name" "locustfile") $file.volume | toYaml | nindent 2 | trim }}
{{- else if not $file.imagePath }}
- name: locustfile
  configMap: {name: {{ $file.existingConfigMap | default (printf "%s-locustfile" $name) | quote }}}
{{- end }}
{{- if or $file.lib $file.existingLibConfigMap }}
- name: lib
  configMap: {name: {{ $file.existingLibConfigMap | default (printf "%s-lib" $name) | quote }}}
{{- end }}
{{- if eq .role "master" }}
{{- if $values.cloudwatch.spoolDir }}
- name: spool
  {{- if or $values.spool.persistent $values.spool.existingClaim }}
  persistentVolumeClaim: {claimName: {{ include "locust-cw.claimName" .root | quote }}}
  {{- else }}
  emptyDir: {sizeLimit: 1Gi}
  {{- end }}
{{- end }}
- {{ merge (dict "name" "results") ($values.results.volume | default (dict "emptyDir" (dict "sizeLimit" "2Gi"))) | toYaml | nindent 2 | trim }}
{{- if and (eq $values.mode "web") $values.web.tls.existingSecret }}
- name: tls
  secret: {secretName: {{ $values.web.tls.existingSecret | quote }}, defaultMode: 0440}
{{- end }}
{{- end }}
{{- if and $values.cloudwatch.rules (ne .role "worker") }}
- name: rules
  configMap: {name: {{ $name }}-rules}
{{- end }}
{{- end -}}

{{- define "locust-cw.volumes" -}}
{{- include "locust-cw.keyed" (dict "key" "name" "own" (include "locust-cw.ownVolumes" . | fromYamlArray) "given" (list .root.Values.extraVolumes .own.extraVolumes)) -}}
{{- end -}}

{{- define "locust-cw.ownVolumeMounts" -}}
{{- $values := .root.Values -}}
{{- $file := $values.locustfile -}}
- {name: tmp, mountPath: /tmp}
- {name: home, mountPath: /mnt/home}
{{- if not $file.imagePath }}
- {name: locustfile, mountPath: /mnt/locust, readOnly: true}
{{- end }}
{{- if or $file.lib $file.existingLibConfigMap }}
- {name: lib, mountPath: /mnt/locust-lib/lib, readOnly: true}
{{- end }}
{{- if eq .role "master" }}
{{- with $values.cloudwatch.spoolDir }}
- {name: spool, mountPath: {{ . | quote }}}
{{- end }}
- {name: results, mountPath: /mnt/results}
{{- if and (eq $values.mode "web") $values.web.tls.existingSecret }}
- {name: tls, mountPath: /etc/locust-cw/tls, readOnly: true}
{{- end }}
{{- end }}
{{- if and $values.cloudwatch.rules (ne .role "worker") }}
- {name: rules, mountPath: /etc/locust-cw/rules, readOnly: true}
{{- end }}
{{- end -}}

{{/* The pod of helm test lacks some of the master's volumes, and so what is mounted of them. */}}
{{- define "locust-cw.volumeMounts" -}}
{{- $volumes := list -}}
{{- range include "locust-cw.volumes" . | fromYamlArray -}}{{- $volumes = append $volumes .name -}}{{- end -}}
{{- $given := list -}}
{{- range concat .root.Values.extraVolumeMounts .own.extraVolumeMounts -}}
{{- if has .name $volumes -}}{{- $given = append $given . -}}{{- end -}}
{{- end -}}
{{- include "locust-cw.keyed" (dict "key" "mountPath" "own" (include "locust-cw.ownVolumeMounts" . | fromYamlArray) "given" (list $given)) -}}
{{- end -}}

{{/* What the containers of master and worker have in common: of role. */}}
{{- define "locust-cw.containerBasics" -}}
name: locust
image: {{ include "locust-cw.image" .root | quote }}
imagePullPolicy: {{ .root.Values.image.pullPolicy | quote }}
securityContext:
  {{- toYaml .root.Values.securityContext | nindent 2 }}
command:
  {{- include "locust-cw.command" .root | nindent 2 }}
volumeMounts:
  {{- include "locust-cw.volumeMounts" . | nindent 2 }}
resources:
  {{- toYaml (index .root.Values .role).resources | nindent 2 }}
{{- with (index .root.Values .role).lifecycle }}
lifecycle:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* A probe has one way to ask: that which is given, or the chart's. */}}
{{- define "locust-cw.masterProbes" -}}
{{- $values := .Values -}}
{{- $handler := dict "tcpSocket" (dict "port" "workers") -}}
{{- if eq $values.mode "web" -}}
{{- $handler = dict "httpGet" (dict "path" (printf "%s/" $values.web.basePath) "port" "web" "scheme" (ternary "HTTPS" "HTTP" (not (empty $values.web.tls.existingSecret)))) -}}
{{- end -}}
{{- range $probe := list "startupProbe" "readinessProbe" "livenessProbe" }}
{{- with index $values.master $probe }}
{{ $probe }}:
  {{- $own := pick . "exec" "grpc" "httpGet" "tcpSocket" | keys | join "" }}
  {{- $isOther := not (has $own (list "" (keys $handler | first))) }}
  {{- toYaml (ternary . (merge (dict) . $handler) $isOther) | nindent 2 }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "locust-cw.masterPod" -}}
{{- $ofMaster := dict "root" . "role" "master" "account" "master" "own" .Values.master -}}
{{- include "locust-cw.podBasics" $ofMaster }}
terminationGracePeriodSeconds: {{ include "locust-cw.masterGrace" . }}
{{- include "locust-cw.masterAffinity" . }}
{{- include "locust-cw.spread" $ofMaster }}
{{- include "locust-cw.initContainers" $ofMaster }}
containers:
  - {{ include "locust-cw.containerBasics" $ofMaster | nindent 4 | trim }}
    args:
      {{- include "locust-cw.masterArgs" . | nindent 6 }}
    env:
      {{- include "locust-cw.masterEnv" . | nindent 6 }}
    envFrom:
      {{- include "locust-cw.masterEnvFrom" . | nindent 6 }}
    ports:
      - {name: workers, containerPort: 5557}
      {{- if eq .Values.mode "web" }}
      - {name: web, containerPort: 8089}
      {{- end }}
    {{- include "locust-cw.masterProbes" . | trim | nindent 4 }}
volumes:
  {{- include "locust-cw.volumes" $ofMaster | nindent 2 }}
{{- end -}}

{{- define "locust-cw.workerPod" -}}
{{- $ofWorker := dict "root" . "role" "worker" "account" "worker" "own" .Values.worker -}}
{{- include "locust-cw.podBasics" $ofWorker }}
terminationGracePeriodSeconds: {{ include "locust-cw.workerGrace" . }}
{{- with .Values.worker.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- include "locust-cw.spread" $ofWorker }}
{{- include "locust-cw.initContainers" $ofWorker }}
containers:
  - {{ include "locust-cw.containerBasics" $ofWorker | nindent 4 | trim }}
    args:
      {{- include "locust-cw.workerArgs" . | nindent 6 }}
    env:
      {{- include "locust-cw.workerEnv" . | nindent 6 }}
    {{- with concat .Values.extraEnvFrom .Values.worker.extraEnvFrom }}
    envFrom:
      {{- toYaml . | nindent 6 }}
    {{- end }}
volumes:
  {{- include "locust-cw.volumes" $ofWorker | nindent 2 }}
{{- end -}}
