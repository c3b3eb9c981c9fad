"""botocore made to speak each protocol that AWS's SDKs speak with CloudWatch."""

from __future__ import annotations

import boto3
import botocore.session
from botocore.loaders import Loader

PROTOCOLS = ("json", "smithy-rpc-v2-cbor", "query")


class _OneProtocol(Loader):
    """Loads CloudWatch's service model as if the service spoke one protocol only."""

    def __init__(self, protocol, paths):
        super().__init__(extra_search_paths=paths)
        self._protocol = protocol

    def load_service_model(self, service_name, type_name, api_version=None):
        model = super().load_service_model(service_name, type_name, api_version)
        if (service_name, type_name) == ("cloudwatch", "service-2"):
            metadata = model["metadata"] | {"protocol": self._protocol, "protocols": [self._protocol]}
            return model | {"metadata": metadata}
        return model


def client_of(cloudwatch, protocol, **kwargs):
    """A real boto3 client of a `LocalCloudwatch` that speaks `protocol`."""
    core = botocore.session.Session()
    core.register_component("data_loader", _OneProtocol(protocol, core.get_component("data_loader").search_paths))
    session = boto3.Session(botocore_session=core)
    client = session.client(
        "cloudwatch",
        endpoint_url=cloudwatch.endpoint_url,
        region_name="eu-central-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
        **kwargs,
    )
    assert client.meta.service_model.resolved_protocol == protocol
    return client
