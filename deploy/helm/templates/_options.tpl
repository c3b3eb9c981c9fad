{{/* Made by deploy/option_files.py: which options need one of others, which name what is written. */}}

{{- define "locust-cw.aboutOptions" -}}
{
  "needs": {
    "externalId": [
      "roleArn"
    ],
    "junit": [
      "rules",
      "rule"
    ],
    "rulesJson": [
      "rules",
      "rule"
    ],
    "required": [
      "service",
      "namespace"
    ],
    "payloads": [
      "dryRun"
    ]
  },
  "written": [
    "junit",
    "rulesJson",
    "record",
    "report",
    "payloads"
  ]
}
{{- end -}}
