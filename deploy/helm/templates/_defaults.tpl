{{/* The defaults and the names of values.yaml, made by deploy/chart_defaults.py. */}}
{{- define "locust-cw.defaults" -}}
{
 "mode": "job",
 "image": {
  "repository": "",
  "tag": "",
  "digest": "",
  "pullPolicy": "IfNotPresent",
  "pullSecrets": []
 },
 "locustfile": {
  "sample": false,
  "content": "",
  "files": {},
  "lib": {},
  "existingConfigMap": "",
  "existingLibConfigMap": "",
  "imagePath": "",
  "volume": {},
  "name": "locustfile.py"
 },
 "locust": {
  "host": "",
  "users": null,
  "spawnRate": null,
  "runTime": "",
  "stopTimeoutSeconds": 10,
  "userClasses": [],
  "tags": [],
  "excludeTags": [],
  "logLevel": "INFO",
  "onlySummary": true,
  "enableRebalancing": true,
  "exitCodeOnError": 1,
  "expectWorkers": null,
  "expectWorkersMaxWaitSeconds": 600,
  "autostart": false,
  "extraArgs": [],
  "workerExtraArgs": []
 },
 "job": {
  "runId": "",
  "activeDeadlineSeconds": 0,
  "ttlSecondsAfterFinished": 86400,
  "workerBackoffLimitPerIndex": 1,
  "annotations": {},
  "labels": {}
 },
 "cloudwatch": {
  "service": "",
  "environment": "",
  "namespace": "",
  "host": "",
  "region": "",
  "roleArn": "",
  "externalId": "",
  "endpointUrl": "",
  "resolution": null,
  "percentiles": [],
  "dimension": {},
  "metrics": [],
  "maxEndpoints": null,
  "group": [],
  "include": [],
  "exclude": [],
  "rules": "",
  "rule": [],
  "junit": "",
  "rulesJson": "",
  "required": false,
  "record": "",
  "report": "",
  "label": {},
  "summary": "",
  "reasons": "",
  "grace": null,
  "flushTimeout": 30,
  "spoolDir": "/var/spool/locust-cw",
  "ambiguous": "",
  "price": {},
  "dryRun": false,
  "payloads": ""
 },
 "aws": {
  "identity": "none",
  "irsaRoleArn": ""
 },
 "proxy": {
  "url": "",
  "existingSecret": "",
  "noProxy": []
 },
 "spool": {
  "persistent": false,
  "existingClaim": "",
  "size": "1Gi",
  "storageClass": "",
  "accessModes": [
   "ReadWriteOnce"
  ],
  "keep": true
 },
 "results": {
  "volume": {}
 },
 "master": {
  "resources": {
   "requests": {
    "cpu": "1",
    "memory": "512Mi"
   },
   "limits": {
    "memory": "512Mi"
   }
  },
  "avoidSpot": true,
  "protectFromEviction": true,
  "readinessProbe": {
   "periodSeconds": 5,
   "failureThreshold": 3,
   "timeoutSeconds": 5
  },
  "startupProbe": {
   "periodSeconds": 5,
   "failureThreshold": 60,
   "timeoutSeconds": 5
  },
  "livenessProbe": {},
  "terminationGracePeriodSeconds": null,
  "extraEnv": [],
  "extraEnvFrom": [],
  "extraVolumes": [],
  "extraVolumeMounts": [],
  "initContainers": [],
  "sidecars": [],
  "podAnnotations": {},
  "podLabels": {},
  "nodeSelector": {},
  "tolerations": [],
  "affinity": {},
  "topologySpreadConstraints": [],
  "priorityClassName": "",
  "lifecycle": {}
 },
 "worker": {
  "replicas": 2,
  "resources": {
   "requests": {
    "cpu": "1",
    "memory": "256Mi"
   },
   "limits": {
    "memory": "256Mi"
   }
  },
  "awsAccess": false,
  "protectFromEviction": false,
  "topologySpreadConstraints": [
   {
    "maxSkew": 1,
    "topologyKey": "kubernetes.io/hostname",
    "whenUnsatisfiable": "ScheduleAnyway"
   },
   {
    "maxSkew": 1,
    "topologyKey": "topology.kubernetes.io/zone",
    "whenUnsatisfiable": "ScheduleAnyway"
   }
  ],
  "terminationGracePeriodSeconds": null,
  "extraEnv": [],
  "extraEnvFrom": [],
  "extraVolumes": [],
  "extraVolumeMounts": [],
  "initContainers": [],
  "sidecars": [],
  "podAnnotations": {},
  "podLabels": {},
  "nodeSelector": {},
  "tolerations": [],
  "affinity": {},
  "priorityClassName": "",
  "lifecycle": {}
 },
 "autoscaling": {
  "enabled": false,
  "minReplicas": 2,
  "maxReplicas": 10,
  "targetCPUUtilizationPercentage": 70,
  "metrics": [],
  "behavior": {
   "scaleDown": {
    "stabilizationWindowSeconds": 300
   }
  }
 },
 "keda": {
  "enabled": false,
  "minReplicas": 2,
  "maxReplicas": 10,
  "pollingInterval": 30,
  "cooldownPeriod": 300,
  "triggers": [
   {
    "type": "cpu",
    "metricType": "Utilization",
    "metadata": {
     "value": "70"
    }
   }
  ]
 },
 "podDisruptionBudget": {
  "master": false,
  "worker": false,
  "workerMinAvailable": 1
 },
 "web": {
  "serviceType": "ClusterIP",
  "servicePort": 8089,
  "serviceAnnotations": {},
  "loadBalancerSourceRanges": [],
  "basePath": "",
  "login": {
   "enabled": false,
   "existingSecret": ""
  },
  "tls": {
   "existingSecret": ""
  }
 },
 "ingress": {
  "enabled": false,
  "className": "",
  "annotations": {},
  "hosts": [
   {
    "host": "locust.example.com",
    "paths": [
     {
      "path": "/",
      "pathType": "Prefix"
     }
    ]
   }
  ],
  "tls": []
 },
 "networkPolicy": {
  "enabled": true,
  "webFrom": [],
  "dnsTo": [],
  "dnsPorts": [
   53,
   5353
  ],
  "awsTo": [],
  "proxyTo": [],
  "proxyPort": null,
  "workerEgress": [
   {
    "to": [
     {
      "namespaceSelector": {}
     },
     {
      "ipBlock": {
       "cidr": "0.0.0.0/0",
       "except": [
        "169.254.0.0/16"
       ]
      }
     },
     {
      "ipBlock": {
       "cidr": "::/0",
       "except": [
        "fe80::/10",
        "fd00:ec2::/32"
       ]
      }
     }
    ]
   }
  ],
  "masterEgress": []
 },
 "service": {
  "annotations": {}
 },
 "serviceAccount": {
  "master": {
   "create": true,
   "name": "",
   "annotations": {},
   "automountToken": false
  },
  "worker": {
   "create": true,
   "name": "",
   "annotations": {},
   "automountToken": false
  }
 },
 "openshift": "auto",
 "podSecurityContext": {
  "runAsNonRoot": true,
  "runAsUser": 10001,
  "runAsGroup": 10001,
  "fsGroup": 10001,
  "fsGroupChangePolicy": "OnRootMismatch",
  "seccompProfile": {
   "type": "RuntimeDefault"
  }
 },
 "securityContext": {
  "allowPrivilegeEscalation": false,
  "readOnlyRootFilesystem": true,
  "capabilities": {
   "drop": [
    "ALL"
   ]
  }
 },
 "extraEnv": [],
 "extraEnvFrom": [],
 "extraVolumes": [],
 "extraVolumeMounts": [],
 "podAnnotations": {},
 "podLabels": {},
 "hostAliases": [],
 "dnsPolicy": "",
 "dnsConfig": {},
 "schedulerName": "",
 "runtimeClassName": "",
 "commonLabels": {},
 "commonAnnotations": {},
 "nameOverride": "",
 "fullnameOverride": "",
 "extraObjects": [],
 "enabled": true,
 "omitDefaults": [],
 "doctor": {
  "send": false,
  "resources": {
   "requests": {
    "cpu": "250m",
    "memory": "256Mi"
   },
   "limits": {
    "memory": "256Mi"
   }
  }
 }
}
{{- end -}}

{{- define "locust-cw.names" -}}
{
 "": ["mode", "image", "locustfile", "locust", "job", "cloudwatch", "aws", "proxy", "spool", "results", "master", "worker", "autoscaling", "keda", "podDisruptionBudget", "web", "ingress", "networkPolicy", "service", "serviceAccount", "openshift", "podSecurityContext", "securityContext", "extraEnv", "extraEnvFrom", "extraVolumes", "extraVolumeMounts", "podAnnotations", "podLabels", "hostAliases", "dnsPolicy", "dnsConfig", "schedulerName", "runtimeClassName", "commonLabels", "commonAnnotations", "nameOverride", "fullnameOverride", "extraObjects", "enabled", "omitDefaults", "doctor"],
 "image": ["repository", "tag", "digest", "pullPolicy", "pullSecrets"],
 "locustfile": ["sample", "content", "files", "lib", "existingConfigMap", "existingLibConfigMap", "imagePath", "volume", "name"],
 "locust": ["host", "users", "spawnRate", "runTime", "stopTimeoutSeconds", "userClasses", "tags", "excludeTags", "logLevel", "onlySummary", "enableRebalancing", "exitCodeOnError", "expectWorkers", "expectWorkersMaxWaitSeconds", "autostart", "extraArgs", "workerExtraArgs"],
 "job": ["runId", "activeDeadlineSeconds", "ttlSecondsAfterFinished", "workerBackoffLimitPerIndex", "annotations", "labels"],
 "cloudwatch": ["service", "environment", "namespace", "host", "region", "roleArn", "externalId", "endpointUrl", "resolution", "percentiles", "dimension", "metrics", "maxEndpoints", "group", "include", "exclude", "rules", "rule", "junit", "rulesJson", "required", "record", "report", "label", "summary", "reasons", "grace", "flushTimeout", "spoolDir", "ambiguous", "price", "dryRun", "payloads"],
 "aws": ["identity", "irsaRoleArn"],
 "proxy": ["url", "existingSecret", "noProxy"],
 "spool": ["persistent", "existingClaim", "size", "storageClass", "accessModes", "keep"],
 "results": ["volume"],
 "master": ["resources", "avoidSpot", "protectFromEviction", "readinessProbe", "startupProbe", "livenessProbe", "terminationGracePeriodSeconds", "extraEnv", "extraEnvFrom", "extraVolumes", "extraVolumeMounts", "initContainers", "sidecars", "podAnnotations", "podLabels", "nodeSelector", "tolerations", "affinity", "topologySpreadConstraints", "priorityClassName", "lifecycle"],
 "worker": ["replicas", "resources", "awsAccess", "protectFromEviction", "topologySpreadConstraints", "terminationGracePeriodSeconds", "extraEnv", "extraEnvFrom", "extraVolumes", "extraVolumeMounts", "initContainers", "sidecars", "podAnnotations", "podLabels", "nodeSelector", "tolerations", "affinity", "priorityClassName", "lifecycle"],
 "autoscaling": ["enabled", "minReplicas", "maxReplicas", "targetCPUUtilizationPercentage", "metrics", "behavior"],
 "keda": ["enabled", "minReplicas", "maxReplicas", "pollingInterval", "cooldownPeriod", "triggers"],
 "podDisruptionBudget": ["master", "worker", "workerMinAvailable"],
 "web": ["serviceType", "servicePort", "serviceAnnotations", "loadBalancerSourceRanges", "basePath", "login", "tls"],
 "web.login": ["enabled", "existingSecret"],
 "web.tls": ["existingSecret"],
 "ingress": ["enabled", "className", "annotations", "hosts", "tls"],
 "networkPolicy": ["enabled", "webFrom", "dnsTo", "dnsPorts", "awsTo", "proxyTo", "proxyPort", "workerEgress", "masterEgress"],
 "service": ["annotations"],
 "serviceAccount": ["master", "worker"],
 "serviceAccount.master": ["create", "name", "annotations", "automountToken"],
 "serviceAccount.worker": ["create", "name", "annotations", "automountToken"],
 "doctor": ["send", "resources"]
}
{{- end -}}
