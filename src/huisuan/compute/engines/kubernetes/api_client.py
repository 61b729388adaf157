"""The API server, through the official client: JSON in, JSON out, its refusals told apart from its absence.

Answers stay plain JSON: the client's models refuse what a newer server adds, and take ten times as long to build.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from huisuan.base.text_length import shortened
from huisuan.compute.engines.interface import EngineError

_TIMEOUT_SECONDS = 30
_PAGE = 500  # objects in one answer
_MERGE = "application/merge-patch+json"
KubernetesObject = dict[str, Any]


class ApiServerRefused(EngineError):
    """The API server answered, but not with what was asked for; `status` is HTTP's."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(f"Kubernetes 拒绝（{status} {reason}）：{message}{_ADVICE.get(status, '')}")
        self.status = status


_ADVICE = {
    401: "；请检查 kubeconfig 里的凭据是否过期",
    403: "；请按文档给站点代理的服务账号授权，并运行 huisuan agent doctor",
}


class Cluster:
    """One namespace of a cluster, and its nodes.

    Raises (in every call):
        ApiServerRefused: the server says no.
        EngineError: it could not be asked.
    """

    def __init__(self, options: Mapping[str, str]) -> None:
        self.namespace = options.get("namespace", "default")
        self._options = options
        self._apis: dict[str, Any] = {}

    def create(self, plural: str, body: KubernetesObject) -> KubernetesObject:
        """Create an object of this namespace."""
        return self._json(self._method(plural, "create"), self.namespace, body)

    def read(self, plural: str, name: str) -> KubernetesObject | None:
        """An object by its name; None where there is none."""
        try:
            return self._json(self._method(plural, "read"), name, self.namespace)
        except ApiServerRefused as error:
            if error.status == 404:
                return None
            raise

    def delete(self, plural: str, name: str, propagation: str = "Background") -> bool:
        """Delete an object and, by that policy, what it owns; False where there was none."""
        try:
            self._json(self._method(plural, "delete"), name, self.namespace, propagation_policy=propagation)
        except ApiServerRefused as error:
            if error.status == 404:
                return False
            raise
        return True

    def listed(self, plural: str, selector: str) -> Iterator[KubernetesObject]:
        """The objects of this namespace with these labels."""
        return self._pages(self._method(plural, "list"), self.namespace, label_selector=selector)

    def nodes(self) -> Iterator[KubernetesObject]:
        """All nodes of the cluster."""
        return self._pages(self._api("core").list_node)

    def all_pods(self) -> Iterator[KubernetesObject]:
        """The pods of all namespaces that may hold something."""
        over = "status.phase!=Succeeded,status.phase!=Failed"
        return self._pages(self._api("core").list_pod_for_all_namespaces, field_selector=over)

    def let_go(self, pod: KubernetesObject, finalizer: str) -> None:
        """Take our finalizer off a pod; one that is gone, or was changed meanwhile, is left for the next time."""
        meta = pod["metadata"]
        kept = [name for name in meta.get("finalizers", []) if name != finalizer]
        change: KubernetesObject = {"finalizers": kept}
        if "resourceVersion" in meta:
            change["resourceVersion"] = meta["resourceVersion"]
        patch = self._api("core").patch_namespaced_pod
        try:
            self._json(patch, meta["name"], self.namespace, {"metadata": change}, _content_type=_MERGE)
        except ApiServerRefused as error:
            if error.status not in (404, 409):
                raise

    def log(self, pod: str, container: str, limit: int, tail_lines: int | None = None) -> bytes:
        """The first `limit` bytes of what a container wrote, or of its last lines; empty where nothing is to be had."""
        rest = {} if tail_lines is None else {"tail_lines": tail_lines}
        read = self._api("core").read_namespaced_pod_log
        try:
            return self._bytes(read, pod, self.namespace, container=container, limit_bytes=limit, **rest)
        except ApiServerRefused as error:
            if error.status in (400, 404):  # not started yet; gone
                return b""
            raise

    def may(self, verb: str, group: str, resource: str, namespaced: bool = True) -> bool:
        """Whether we may do that, by the server's own word."""
        plural, _, part = resource.partition("/")
        asked = {"verb": verb, "group": group, "resource": plural, "subresource": part}
        if namespaced:
            asked["namespace"] = self.namespace
        body = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": {key: value for key, value in asked.items() if value}},
        }
        answer = self._json(self._api("authorization").create_self_subject_access_review, body)
        return bool(answer.get("status", {}).get("allowed"))

    def version(self) -> str:
        """The server's version, such as v1.31.2."""
        return str(self._json(self._api("version").get_code)["gitVersion"])

    def groups(self) -> set[str]:
        """Names of the API groups that the server has."""
        return {group["name"] for group in self._json(self._api("apis").get_api_versions)["groups"]}

    # --- the client

    def _method(self, plural: str, verb: str) -> Callable[..., Any]:
        api, kind = _KINDS[plural]
        return cast(Callable[..., Any], getattr(self._api(api), f"{verb}_namespaced_{kind}"))

    def _api(self, name: str) -> Any:
        if not self._apis:
            self._apis = _apis(self._options)
        return self._apis[name]

    def _pages(self, method: Callable[..., Any], *where: str, **rest: Any) -> Iterator[KubernetesObject]:
        more = ""
        while True:
            page = self._json(method, *where, limit=_PAGE, **rest, **({"_continue": more} if more else {}))
            yield from page["items"]
            more = page.get("metadata", {}).get("continue", "")
            if not more:
                return

    def _json(self, method: Callable[..., Any], *args: Any, **rest: Any) -> KubernetesObject:
        return cast(KubernetesObject, json.loads(self._bytes(method, *args, **rest)))

    def _bytes(self, method: Callable[..., Any], *args: Any, **rest: Any) -> bytes:
        from kubernetes.client.exceptions import ApiException
        from urllib3.exceptions import HTTPError

        try:
            return cast(bytes, method(*args, _preload_content=False, _request_timeout=_TIMEOUT_SECONDS, **rest).data)
        except ApiException as error:
            raise ApiServerRefused(error.status or 0, error.reason or "", _message(error.body)) from None
        except (HTTPError, OSError) as error:
            raise EngineError(f"连不上 Kubernetes 的 API 服务器：{error}；请检查网络与 kubeconfig") from None


_KINDS = {
    "jobs": ("batch", "job"),
    "pods": ("core", "pod"),
    "configmaps": ("core", "config_map"),
    "services": ("core", "service"),
}


def _apis(options: Mapping[str, str]) -> dict[str, Any]:
    """The client's APIs for the cluster that the options name: a kubeconfig, or the one the agent itself runs in."""
    try:
        from kubernetes import client, config
    except ImportError:
        raise EngineError("没有安装 Kubernetes 的客户端；请安装 huisuan[agent,kubernetes]") from None
    load: Any = config  # it carries no types
    kubeconfig = options.get("kubeconfig")
    settings = client.Configuration()
    try:
        if kubeconfig or not Path("/var/run/secrets/kubernetes.io/serviceaccount/token").exists():
            load.load_kube_config(kubeconfig, context=options.get("context"), client_configuration=settings)
        else:
            load.load_incluster_config(client_configuration=settings)
    except (config.ConfigException, OSError) as error:
        raise EngineError(f"读不了 kubeconfig（{kubeconfig or '默认位置'}）：{error}") from None
    settings.retries = 0  # the agent asks again in a moment anyway
    made = client.ApiClient(settings)
    return {
        "batch": client.BatchV1Api(made),
        "core": client.CoreV1Api(made),
        "authorization": client.AuthorizationV1Api(made),
        "version": client.VersionApi(made),
        "apis": client.ApisApi(made),
    }


def _message(body: Any) -> str:
    """What a refusal says: the message of its Status, or the beginning of whatever came."""
    text = body.decode(errors="replace") if isinstance(body, bytes) else str(body or "")
    try:
        found = json.loads(text)
        return shortened(str(found["message"]), 500)
    except (ValueError, KeyError, TypeError):
        return shortened(text, 200)
