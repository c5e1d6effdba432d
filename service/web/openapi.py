"""OpenAPI, made from the schemas and endpoints themselves so that it cannot lag behind them."""

import re

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Flask

from service.web import schemas
from service.web.endpoints import Contract

PARAMETER = re.compile(r"<(?:(\w+):)?(\w+)>")


def describe(app: Flask, prefix: str) -> dict[str, object]:
    """The document for every rule under `prefix` that has a contract."""
    spec = APISpec(
        title="Gongdan Desk 工单台", version="1", openapi_version="3.0.3", plugins=[MarshmallowPlugin(resolver)]
    )
    spec.components.security_scheme("bearer", {"type": "http", "scheme": "bearer"})
    spec.components.schema("Problem", schema=schemas.ProblemOut)
    for rule in sorted(app.url_map.iter_rules(), key=lambda r: r.rule):
        contract = getattr(app.view_functions[rule.endpoint], "contract", None)
        if contract is not None and rule.rule.startswith(prefix + "/"):
            methods = sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
            path = PARAMETER.sub(r"{\2}", rule.rule)
            spec.path(path=path, operations={m.lower(): operation(rule.rule, contract) for m in methods})
    made: dict[str, object] = spec.to_dict()
    return made | {"servers": [{"url": "/"}], "security": [{"bearer": []}]}


def resolver(schema: type | object) -> str:
    cls = schema if isinstance(schema, type) else type(schema)
    return cls.__name__


def operation(rule: str, contract: Contract) -> dict[str, object]:
    """One endpoint: parameters from its path and query schema, bodies from the others."""
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    content = {"application/json": {"schema": contract.returns or {"type": "object"}}}
    made: dict[str, object] = {
        "summary": contract.summary,
        "parameters": path_parameters(rule),
        "responses": {
            str(contract.status): {"description": "done", "content": content},
            "default": {"description": "a problem", "content": problem},
        },
    }
    if contract.query is not None:
        made["parameters"] = [*path_parameters(rule), {"in": "query", "schema": contract.query}]
    if contract.body is not None:
        made["requestBody"] = {"content": {"application/json": {"schema": contract.body}}}
    return made


def path_parameters(rule: str) -> list[dict[str, object]]:
    return [
        {"in": "path", "name": name, "required": True, "schema": {"type": "integer" if kind == "int" else "string"}}
        for kind, name in PARAMETER.findall(rule)
    ]
