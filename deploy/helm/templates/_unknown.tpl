{{/*
Names that no value has: the schema takes them where the names are the chart's own, so that this can say which one is near. Names
inside of Kubernetes' own types are the schema's to refuse.
*/}}
{{- define "locust-cw.checkUnknown" -}}
{{- $found := dict "wrong" list -}}
{{- include "locust-cw.findUnknown" (dict "node" .Values "path" "" "names" (include "locust-cw.names" . | fromJson) "found" $found) -}}
{{- if $found.wrong -}}{{- fail (join ", " $found.wrong) -}}{{- end -}}
{{- end -}}

{{/* Of node, path, names and found: adds to found.wrong a line for each unknown name at that path and below. */}}
{{- define "locust-cw.findUnknown" -}}
{{- range $key, $value := .node -}}
{{- $here := printf "%s.%s" $.path $key | trimPrefix "." -}}
{{- if not (has $key (get $.names $.path)) -}}
{{- if not (and (eq $.path "") (or (eq $key "global") (hasPrefix "x-" $key))) -}}
{{- $near := include "locust-cw.near" (dict "key" $key "path" $.path "names" $.names) -}}
{{- $advice := ternary (printf "did you mean %s?" $near) "'helm show values' lists all" (ne $near "") -}}
{{- $_ := set $.found "wrong" (append $.found.wrong (printf "%s: no such value (%s)" $here $advice)) -}}
{{- end -}}
{{- else if and (hasKey $.names $here) (kindIs "map" $value) -}}
{{- include "locust-cw.findUnknown" (dict "node" $value "path" $here "names" $.names "found" $.found) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/*
Of key, path and names: the nearest names in the same map, or the same name in another map; empty where none is near. A name of
another map counts as one letter away.
*/}}
{{- define "locust-cw.near" -}}
{{- $key := include "locust-cw.folded" (trunc 40 .key) -}}
{{- $best := div (add 3 (len $key)) 3 -}}
{{- $near := list -}}
{{- range $path, $keys := .names -}}
{{- range $keys -}}
{{- $far := 1000 -}}
{{- $name := include "locust-cw.folded" . -}}
{{- if eq $path $.path -}}
{{- $far = include "locust-cw.distance" (dict "a" $key "b" $name) | int -}}
{{- else if eq $name $key -}}
{{- $far = 1 -}}
{{- end -}}
{{- if lt (int $far) (int $best) -}}{{- $best = $far -}}{{- $near = list -}}{{- end -}}
{{- if eq (int $far) (int $best) -}}{{- $near = append $near (printf "%s.%s" $path . | trimPrefix ".") -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- join " or " $near -}}
{{- end -}}

{{/* max_endpoints, max-endpoints and maxEndpoints are one name. */}}
{{- define "locust-cw.folded" -}}
{{- . | lower | replace "_" "" | replace "-" "" -}}
{{- end -}}

{{/* Of a and b: how many letters must be put in, taken out or changed to make one of the other (Levenshtein). */}}
{{- define "locust-cw.distance" -}}
{{- $row := untilStep 0 (int (add1 (len .b))) 1 -}}
{{- range $i := until (len .a) -}}
{{- $next := list (add1 $i) -}}
{{- range $j := until (len $.b) -}}
{{- $changed := ternary 0 1 (eq (substr $i (int (add1 $i)) $.a) (substr $j (int (add1 $j)) $.b)) -}}
{{- $next = append $next (min (add1 (index $row (int (add1 $j)))) (add1 (last $next)) (add $changed (index $row $j))) -}}
{{- end -}}
{{- $row = $next -}}
{{- end -}}
{{- last $row -}}
{{- end -}}
