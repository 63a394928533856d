#!/usr/bin/python3
"""Holds the OpenAPI document of the operators' API against OpenAPI 3.1, and a running realm against the document.

    openapi.py check DOCUMENT
    PASSQUORUM_API_TOKEN=TOKEN openapi.py drive DOCUMENT NODE-URL...

The token has every scope. The realm is a throw-away one with the embedded directory, such as `passquorum demo` makes: its
key is rotated, its leader moved, its mail set. For each operation what can be asked of it is asked, and what must be
refused is sent: no token, one of another scope, broken and unknown fields, too much, wrong parameters. Each answer must have
a status that the document names for the operation, and the headers and body that it names for that status. One line is
printed for each operation. The first untruth ends it, with the operation, what was sent, what was documented and what came.

A node that cannot be reached is left for the next one, and 503 is repeated after Retry-After, as any client does: the
leader may be killed meanwhile. Certificates are not checked.
"""

import base64
import http.client
import json
import os
import re
import ssl
import sys
import time
import urllib.parse

import yaml
from jsonschema import Draft202012Validator, FormatChecker, RefResolver
from jsonschema.exceptions import RefResolutionError, SchemaError

PATIENCE = 60  # seconds for a leader to be found
NOBODY = "00000000-0000-4000-8000-00000000abcd"
NO_NODE = 999999
METHODS = ("get", "put", "post", "delete")
KEYS = {
    "document": {"openapi", "info", "servers", "security", "tags", "paths", "components"},
    "operation": {"operationId", "tags", "summary", "description", "security", "x-body-limit", "parameters",
                  "requestBody", "responses"},
    "parameter": {"name", "in", "required", "description", "schema"},
    "response": {"description", "headers", "content"},
    "media": {"schema", "x-line"},
    "components": {"securitySchemes", "headers", "parameters", "responses", "schemas"},
}


class Untrue(Exception):
    """The document and what it is about differ."""


class Operation:
    """One method of one path."""

    def __init__(self, document, path, method):
        item = document.raw["paths"][path]
        self.path, self.method, self.raw = path, method.upper(), item[method]
        self.id = self.raw.get("operationId")
        declared = item.get("parameters", []) + self.raw.get("parameters", [])
        self.parameters = [document.resolved(parameter) for parameter in declared]
        self.responses = {int(status): document.resolved(told) for status, told in self.raw["responses"].items()}
        body = self.raw.get("requestBody")
        self.body = next(iter(body["content"])) if body else None
        self.body_schema = body["content"][self.body].get("schema") if body else None
        self.scope = next((needs["token"][0] for needs in self.raw["security"] if "token" in needs), None)
        self.open_to_some = {} in self.raw["security"]

    def of(self, place):
        return [parameter for parameter in self.parameters if parameter["in"] == place]

    def __str__(self):
        return f"{self.id} ({self.method} {self.path})"


class Document:
    """The document, its references followed."""

    def __init__(self, text):
        self.raw = yaml.safe_load(text)
        self.resolver = RefResolver("", self.raw)
        self.operations = {}
        for path, item in self.raw["paths"].items():
            for method in item:
                if method in METHODS:
                    operation = Operation(self, path, method)
                    if operation.id in self.operations or not operation.id:
                        raise Untrue(f"{operation}: the operationId is missing or another's too")
                    self.operations[operation.id] = operation

    def resolved(self, value):
        return self.resolver.resolve(value["$ref"])[1] if "$ref" in value else value

    def problem(self, schema, value):
        """What is wrong with a value, in words."""
        validator = Draft202012Validator(schema, resolver=self.resolver, format_checker=FormatChecker())
        error = next(iter(sorted(validator.iter_errors(value), key=lambda error: len(error.path))), None)
        if error is None:
            return None
        within = "; ".join(inner.message[:200] for inner in (error.context or [])[:4])
        return f"at {error.json_path}: {error.message[:400]}" + (f" ({within})" if within else "")

    def check(self):
        """Against OpenAPI 3.1, as far as this document uses it."""
        only(self.raw, "document", "the document")
        if not str(self.raw["openapi"]).startswith("3.1."):
            raise Untrue(f"openapi: {self.raw['openapi']} is not 3.1")
        if not all(self.raw["info"].get(field) for field in ("title", "version")):
            raise Untrue("info: a title and a version are needed")
        only(self.raw["components"], "components", "components")
        self.check_references()
        tags = {tag["name"] for tag in self.raw["tags"]}
        schemes = self.raw["components"]["securitySchemes"]
        for path, item in self.raw["paths"].items():
            if strange := set(item) - set(METHODS) - {"parameters"}:
                raise Untrue(f"{path}: {strange} is nothing that a path has")
        for operation in self.operations.values():
            only(operation.raw, "operation", operation)
            if not operation.raw.get("summary") or not set(operation.raw["tags"]) <= tags:
                raise Untrue(f"{operation}: a summary and known tags are needed")
            if any(set(needs) - set(schemes) for needs in operation.raw["security"]):
                raise Untrue(f"{operation}: security names an unknown scheme")
            self.check_parameters(operation)
            if not operation.responses:
                raise Untrue(f"{operation}: no answer is documented")
            for status, response in operation.responses.items():
                only(response, "response", f"{operation}, {status}")
                if not response.get("description"):
                    raise Untrue(f"{operation}, {status}: a description is needed")
                for media in response.get("content", {}).values():
                    only(media, "media", f"{operation}, {status}")
        for where, schema in schemas(self.raw):
            try:
                Draft202012Validator.check_schema(schema)
            except SchemaError as error:
                raise Untrue(f"{where}: {error.message}") from error

    def check_parameters(self, operation):
        for parameter in operation.parameters:
            only(parameter, "parameter", operation)
            if parameter["in"] not in ("path", "query", "header") or "schema" not in parameter:
                raise Untrue(f"{operation}: the parameter {parameter['name']} is not whole")
            if parameter["in"] == "path" and not parameter.get("required"):
                raise Untrue(f"{operation}: {parameter['name']} is in the path and must be required")
        declared = sorted(parameter["name"] for parameter in operation.of("path"))
        if declared != sorted(re.findall(r"{(\w+)}", operation.path)):
            raise Untrue(f"{operation}: the path's parameters are not those that are declared")

    def check_references(self):
        used = set(references(self.raw))
        for reference in used:
            self.resolver.resolve(reference)
        for kind, named in self.raw["components"].items():
            for name in named if kind != "securitySchemes" else []:
                if f"#/components/{kind}/{name}" not in used:
                    raise Untrue(f"components/{kind}/{name} is used by nothing")


def only(value, kind, where):
    if strange := set(value) - KEYS[kind]:
        raise Untrue(f"{where}: unknown fields {sorted(strange)}")


def references(value):
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else []:
        yield from references(inner)
    if isinstance(value, dict) and isinstance(value.get("$ref"), str):
        yield value["$ref"]


def schemas(document):
    for name, schema in document["components"]["schemas"].items():
        yield f"components/schemas/{name}", schema
    stack = [("", document["paths"]), ("", {k: v for k, v in document["components"].items() if k != "schemas"})]
    while stack:
        where, value = stack.pop()
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            if key in ("schema", "x-line"):
                yield f"{where}/{key}", inner
            elif isinstance(inner, (dict, list)):
                stack.append((f"{where}/{key}", inner))


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)

    def __str__(self):
        return f"{self.status} {self.headers.get('Content-Type')}: {self.body[:600]!r}"


class Nodes:
    """The nodes' HTTPS ports."""

    def __init__(self, urls):
        self.urls = [urllib.parse.urlsplit(url) for url in urls]
        self.context = ssl.create_default_context()
        self.context.check_hostname = False
        self.context.verify_mode = ssl.CERT_NONE

    def send(self, method, target, headers, body, first=0):
        """The answer of the first node that gives one, and whether one before it may have carried the request out."""
        unsure, last = False, None
        for turn in range(len(self.urls)):
            url = self.urls[(first + turn) % len(self.urls)]
            connection = http.client.HTTPSConnection(url.hostname, url.port, timeout=30, context=self.context)
            try:
                connection.connect()
                try:
                    connection.request(method, target, body=body, headers=headers)
                except (BrokenPipeError, ConnectionResetError):
                    pass  # refused before all was sent: the answer is there to be read
                response = connection.getresponse()
                return Answer(response.status, response.headers, response.read()), unsure
            except ConnectionRefusedError as error:
                last = error
            except (OSError, http.client.HTTPException) as error:
                unsure, last = True, error
            finally:
                connection.close()
        raise Untrue(f"no node answers {method} {target}: {last}")


class Driver:
    def __init__(self, document, urls, token):
        self.document, self.nodes, self.token = document, Nodes(urls), token
        self.seen = {name: [] for name in document.operations}

    def send(self, operation, path=None, query=None, headers=None, body=None, token=None, node=0, target=None):
        """Sends one request and holds the answer against the document."""
        target = target or operation.path
        for name, value in (path or {}).items():
            target = target.replace("{%s}" % name, urllib.parse.quote(str(value), safe=""))
        if query:
            target += "?" + urllib.parse.urlencode(query)
        headers = dict(headers or {})
        token = self.token if token is None else token
        if token:
            headers["Authorization"] = f"Bearer {token}"
        raw = json.dumps(body).encode() if isinstance(body, (dict, list)) else body
        if raw is not None:
            headers.setdefault("Content-Type", operation.body or "application/json")
        answer, unsure = self.nodes.send(operation.method, target, headers, raw, node)
        shown = {name: value for name, value in headers.items() if name != "Authorization"}
        sent = f"{operation.method} {target} {shown} {(raw or b'')[:300]!r}"
        self.judge(operation, answer, sent)
        self.seen[operation.id].append(answer.status)
        return answer, unsure, sent

    def judge(self, operation, answer, sent):
        def untrue(documented):
            raise Untrue(f"{operation}\n  sent:       {sent}\n  documented: {documented}\n  came:       {answer}")

        told = operation.responses.get(answer.status)
        if told is None:
            untrue(f"one of {sorted(operation.responses)}")
        for name, header in told.get("headers", {}).items():
            header, value = self.document.resolved(header), answer.headers.get(name)
            if value is None or self.document.problem(header["schema"], value):
                untrue(f"the header {name} as {header['schema']}, and it is {value}")
        content = told.get("content")
        kind = (answer.headers.get("Content-Type") or "").split(";")[0]
        if content is None:
            if answer.body:
                untrue("no body")
            return
        if kind not in content:
            untrue(f"a body of {list(content)}")
        media = content[kind]
        if "x-line" in media:
            lines = [json.loads(line) for line in answer.body.splitlines()]
            wrong = next((problem for line in lines if (problem := self.document.problem(media["x-line"], line))), None)
            if wrong or not lines or not (lines[-1].get("done") or "problem" in lines[-1]):
                untrue(f"lines of {media['x-line']}, the last of which ends it: {wrong}")
        elif "schema" in media:
            value = answer.json() if kind.endswith("json") else answer.body.decode()
            if problem := self.document.problem(media["schema"], value):
                untrue(problem)

    def ask(self, name, expect, make=dict):
        """Sends what a caller may send, until the answer is one that is expected. `make` gives the parts anew each time."""
        operation = self.document.operations[name]
        end, unknown = time.monotonic() + PATIENCE, False
        while True:
            parts = make()
            body = parts.get("body")
            if isinstance(body, dict) and (problem := self.document.problem(operation.body_schema, body)):
                raise Untrue(f"{operation}: the document does not allow what is to be sent: {problem}")
            answer, unsure, sent = self.send(operation, **parts)
            unknown = unknown or unsure or answer.status == 504
            # What was done by a request whose answer was lost cannot be done again.
            if answer.status in expect or (unknown and answer.status in (404, 409, 412)):
                return answer
            if answer.status not in (503, 504) or time.monotonic() > end:
                raise Untrue(f"{operation}\n  sent:       {sent}\n  expected:   {expect}\n  came:       {answer}")
            time.sleep(int(answer.headers.get("Retry-After", 1)))

    def refuse(self, operation, expect, **parts):
        """Sends what must be refused."""
        answer, _, sent = self.send(operation, **parts)
        # No leader can be asked about a token; or the address has sent too many wrong ones where each may hold one.
        late = [503] if operation.scope else [429]
        if answer.status not in expect + late:
            raise Untrue(f"{operation}\n  sent:       {sent}\n  expected:   {expect}, refused\n  came:       {answer}")

    def run(self):
        served, _ = self.nodes.send("GET", "/api/v1/openapi.yaml", {}, None)
        if yaml.safe_load(served.body) != self.document.raw:
            raise Untrue("the node serves another document")
        recipes = Recipes(self)
        if missing := set(self.document.operations) - set(dir(recipes)):
            raise Untrue(f"nothing is known to ask of {sorted(missing)}")
        self.small = {scope: self.small_token(scope) for scope in ("read", "labels", "nodes")}
        for turn, operation in enumerate(self.document.operations.values()):
            getattr(recipes, operation.id)()
            self.refusals(operation, turn)
            asked = self.seen[operation.id]
            count = " ".join(f"{status}*{asked.count(status)}" for status in sorted(set(asked)))
            print(f"{operation.id:20} {operation.method:6} {operation.path:40} {count}", flush=True)
        self.strangers()
        print(f"{len(self.seen)} operations, {sum(map(len, self.seen.values()))} answers, all as documented")

    def small_token(self, scope):
        """A token of one scope, known to each node that answers before wrong tokens are sent to it."""
        token = self.ask("createApiToken", [201], lambda: {"body": {"name": f"only {scope}", "scopes": [scope]}})
        token = token.json()["token"]
        for node in range(len(self.nodes.urls)):
            # Whatever the answer: the node has looked the token up when it is not 401.
            self.ask("getLabel", [403, 404], lambda: {"token": token, "node": node, "path": {"key": "nothing"}})
        return token

    def refusals(self, operation, turn):
        path = {parameter["name"]: self.harmless(parameter) for parameter in operation.of("path")}
        needed = [parameter["name"] for parameter in operation.of("header") if parameter.get("required")]
        headers = {name: '"0"' for name in needed}
        parts = {"path": path, "headers": headers}
        if operation.scope and not operation.open_to_some:
            self.refuse(operation, [401, 429], token="", node=turn, **parts)
            other = self.small["read" if operation.scope == "labels" else "labels"]
            self.refuse(operation, [403], token=other, **parts)
        for name in path:
            self.refuse(operation, [400], path={**path, name: " "}, headers=headers)
        for parameter in operation.of("query"):
            self.refuse(operation, [400], query={parameter["name"]: "no good"}, **parts)
        empty = {"body": {}} if operation.body == "application/json" else {}
        for parameter in operation.of("header"):
            bad = {**headers, parameter["name"]: "no good"}
            self.refuse(operation, [400], path=path, headers=bad, **empty)
        for name in needed:
            left = {kept: value for kept, value in headers.items() if kept != name}
            self.refuse(operation, [428], path=path, headers=left, **empty)
        if operation.body:
            self.refuse(operation, [413], body=b" " * (operation.raw["x-body-limit"] + 1), **parts)
        if operation.body == "application/json":
            for body in (b'{"', b"[]", b'"text"', b'{"nonsense": 1}', b"\xff\xfe"):
                self.refuse(operation, [400], body=body, **parts)
            typed = {**headers, "Content-Type": "text/xml"}
            self.refuse(operation, [400], path=path, headers=typed, body=b"<nonsense/>")

    @staticmethod
    def harmless(parameter):
        """A value that names nothing."""
        kind = parameter["schema"]
        return NO_NODE if kind["type"] == "integer" else NOBODY if kind.get("format") == "uuid" else "nothing"

    def strangers(self):
        """Paths and methods that the document does not have."""
        for path in ("/api/v1/nothing", "/api/v2/status", "/api/"):
            self.problem("GET", path, 404)
        for path, item in self.document.raw["paths"].items():
            if path.startswith("/api/"):
                concrete = re.sub("{.*}", "2", path)
                answer = self.problem("PATCH", concrete, 405)
                allowed = {method.lower() for method in (answer.headers.get("Allow") or "").split(",")} - {"head"}
                if allowed != set(item) & set(METHODS):
                    raise Untrue(f"PATCH {path} answers Allow: {answer.headers.get('Allow')}")

    def problem(self, method, target, status):
        answer, _ = self.nodes.send(method, target, {"Authorization": f"Bearer {self.token}"}, None)
        kind = answer.headers.get("Content-Type")
        schema = {"$ref": "#/components/schemas/Problem"}
        if answer.status != status or kind != "application/problem+json" or self.document.problem(schema, answer.json()):
            raise Untrue(f"{method} {target} must be a problem with {status}, and is {answer}")
        return answer


class Recipes:
    """What is asked of each operation, by its id."""

    RECIPIENT = {"recipient": "pqr1." + base64.urlsafe_b64encode(bytes([9]) + bytes(31)).decode().rstrip("=")}
    MAIL = {"servers": [{"host": "mail.invalid", "port": 2525, "security": "starttls"}],
            "sender": "passwords@corp.example", "sender_name": "Passwords"}

    def __init__(self, driver):
        self.ask = driver.ask
        self.driver = driver

    def get(self, name, expect=(200,), **parts):
        return self.ask(name, expect, lambda: parts)

    def config(self):
        answer = self.get("getConfig")
        return answer.json(), answer.headers["ETag"]

    def on_top(self, name, expect, body, path=None):
        """A change on top of the revision in force."""
        def make():
            config, tag = self.config()
            return {"headers": {"If-Match": tag}, "body": body(config), "path": path and path(config)}
        self.ask(name, expect, make)

    def live(self): self.get("live")
    def ready(self): self.get("ready")
    def nodeStatus(self): self.get("nodeStatus")
    def metrics(self): self.get("metrics")
    def document(self): self.get("document", token="")
    def status(self): self.get("status")
    def showKeys(self): self.get("showKeys")
    def upgradeStatus(self): self.get("upgradeStatus")
    def listPoints(self): self.get("listPoints")
    def showMirror(self): self.get("showMirror")
    def countUsers(self): self.get("countUsers")

    def auditRecords(self):
        after, last = 0, 1
        while after < last:
            page = self.get("auditRecords", query={"after": after, "limit": 50}).json()
            if not page["records"]:
                break
            after, last = page["records"][-1]["seq"], page["last"]

    def recordDrill(self):
        self.get("recordDrill", [204], body={"event": "begun", "drill": "openapi"})
        self.get("recordDrill", [204], body={"event": "ended", "drill": "openapi", "ok": True})

    def putLabel(self):
        key, once = {"key": "openapi"}, {"Idempotency-Key": f"openapi-{os.getpid()}"}
        first = self.get("putLabel", path=key, headers=once, body=b"one").headers.get("ETag")
        again = self.get("putLabel", path=key, headers=once, body=b"one").headers.get("ETag")
        if first != again:
            raise Untrue(f"putLabel: the same Idempotency-Key was carried out twice, {first} and {again}")
        self.get("putLabel", path=key, headers={"If-Match": first}, body=b"two")
        self.get("putLabel", [412], path=key, headers={"If-None-Match": "*"}, body=b"x")
        self.get("putLabel", path=key, body=b"")
        self.get("putLabel", [400], path=key, headers={"If-Match": '"1"', "If-None-Match": "*"}, body=b"x")

    def getLabel(self):
        self.get("putLabel", path={"key": "openapi/read"}, body=b"\x00\xff")
        for consistency in ("linearizable", "local"):
            self.get("getLabel", [200, 404], path={"key": "openapi/read"}, query={"consistency": consistency})
        self.get("getLabel", [404], path={"key": "openapi-none"})

    def removeLabel(self):
        self.get("putLabel", path={"key": "openapi"}, body=b"x")
        self.get("removeLabel", [412], path={"key": "openapi"}, headers={"If-Match": '"1"'})
        self.get("removeLabel", path={"key": "openapi"}, headers={"Idempotency-Key": f"gone-{os.getpid()}"})

    def getConfig(self):
        self.config()
        self.get("getConfig", query={"consistency": "local"})

    def replaceConfig(self):
        self.on_top("replaceConfig", [200], lambda config: config)
        self.get("replaceConfig", [412], headers={"If-Match": '"0"'}, body=self.config()[0])
        broken = self.config()[0]
        broken["general"]["organisation"] = ""
        self.on_top("replaceConfig", [422], lambda _: broken)

    def changeConfig(self):
        def make():
            config, _ = self.config()
            return {"body": {"base": config["revision"], "change": {"SetHelpdesk": config["helpdesk"]}, "comment": "as it was"}}
        self.ask("changeConfig", [200], make)
        self.get("changeConfig", [412], body={"base": 0, "change": {"SetHelpdesk": []}})

    def exportConfig(self):
        self.get("exportConfig", body=self.RECIPIENT)
        self.get("exportConfig", [400], body={"recipient": "pqr1.nobody"})

    def importConfig(self):
        self.on_top("importConfig", [200], lambda config: {"config": config, "passwords": {}})

    def listRevisions(self):
        self.get("listRevisions")
        self.get("listRevisions", query={"after": 1})

    def getRevision(self):
        page = self.get("listRevisions").json()
        for entry in page["revisions"][:3]:
            self.get("getRevision", path={"id": entry["revision"]})
        self.get("getRevision", [404], path={"id": page["current"] + 1000})

    def rollBack(self):
        def make():
            page = self.get("listRevisions").json()
            # The one before, which differs in its number alone.
            return {"body": {"base": page["current"], "revision": page["revisions"][1]["revision"]}}
        self.changeConfig()
        self.ask("rollBack", [200], make)
        self.get("rollBack", [404], body={"base": 0, "revision": NO_NODE})

    def connection(self):
        return self.config()[0]["connections"][0]

    def putConnection(self):
        kept = lambda config: {"alias": config["connections"][0]["alias"], "endpoint": "embedded",
                               "profile_attribute": config["connections"][0]["profile_attribute"]}
        self.on_top("putConnection", [200], kept, lambda config: {"id": config["connections"][0]["id"]})
        self.on_top("putConnection", [422], kept, lambda _: {"id": NOBODY})

    def putAccount(self):
        account = lambda _: {"bind_name": "svc@corp.example", "bind_password": "never-used-77"}
        self.on_top("putAccount", [400], account, lambda config: {"id": config["connections"][0]["id"]})
        self.on_top("putAccount", [404], account, lambda _: {"id": NOBODY})

    def checkRights(self):
        self.get("checkRights", [400], path={"id": self.connection()["id"]}, body={"users": ["alice"]})
        self.get("checkRights", [404], path={"id": NOBODY}, body={})

    def nodes(self):
        return self.get("listNodes").json()

    def listNodes(self):
        self.nodes()
        self.get("listNodes", query={"consistency": "local"})

    def removeNode(self):
        for force in ("false", "true"):
            self.get("removeNode", [404], path={"id": NO_NODE}, query={"force": force})

    def promoteNode(self):
        self.get("promoteNode", [404], path={"id": NO_NODE})
        self.get("promoteNode", [204, 409], path={"id": self.nodes()[0]["id"]})

    def moveNode(self):
        self.get("moveNode", [404], path={"id": NO_NODE}, body={"cluster_address": "127.0.0.1:7400"})
        self.get("moveNode", [400], path={"id": NO_NODE}, body={"cluster_address": "nowhere"})

    def setSiteUrl(self):
        node = self.nodes()[0]
        self.get("setSiteUrl", [204], path={"id": node["id"]}, body={"url": node["site_url"]})
        self.get("setSiteUrl", [404], path={"id": NO_NODE}, body={"url": node["site_url"]})

    def transferLeader(self):
        self.get("transferLeader", [200, 409], body={})
        self.get("transferLeader", [404, 409], body={"to": NO_NODE})

    def createJoinToken(self):
        self.get("createJoinToken", [201], body={"role": "voter", "life_seconds": 60})
        self.get("createJoinToken", [400], body={"role": "voter", "replaces": 1, "life_seconds": 60})

    def createApiToken(self):
        self.get("createApiToken", [201], body={"name": "short", "scopes": ["read"], "life_seconds": 60})
        self.get("createApiToken", [403], token=self.driver.small["nodes"], body={"name": "more", "scopes": ["read"]})

    def revokeApiToken(self):
        made = self.get("createApiToken", [201], body={"name": "gone", "scopes": ["read"]}).json()["token"]
        self.get("revokeApiToken", [204], path={"id": made.split(".")[1]})
        self.get("revokeApiToken", [404], path={"id": NOBODY})

    def join(self):
        node = {"name": "stranger", "cluster_address": "127.0.0.1:7499", "site_url": "https://127.0.0.1:8499",
                "wrap_key": [9] + [0] * 31}
        self.get("join", [403, 429], token="", body={"token": f"pq1.{NOBODY}.guess", "node": node, "csr": "none"})
        self.get("join", [400, 403, 429], token="", body={"token": "guess", "node": node, "csr": "none"})

    def makeBackup(self):
        self.get("makeBackup", body=self.RECIPIENT)
        self.get("makeBackup", [400], body={"recipient": "pqr1.nobody"})

    def rotateKey(self):
        self.get("rotateKey", [202, 409])

    def retireKey(self):
        self.get("retireKey", [404], path={"id": NO_NODE})
        keys = self.get("showKeys").json()
        for older in keys["older"]:
            self.get("retireKey", [409], path={"id": older["generation"]})
        self.get("retireKey", [404, 409], path={"id": keys["sealing"]})

    def renewCertificate(self):
        self.get("renewCertificate")

    def finaliseUpgrade(self):
        self.get("finaliseUpgrade", [200, 409])

    def removePoint(self):
        self.get("removePoint", [404], body={"dn": "CN=nothing,CN=One Identity,CN=System,DC=corp"})

    def rebuildMirror(self):
        self.get("rebuildMirror", [204, 404])

    def putMail(self):
        self.on_top("putMail", [200], lambda _: self.MAIL)
        unknown = {"host": "other.invalid", "login": {"user": "svc"}}
        self.on_top("putMail", [422], lambda _: {**self.MAIL, "servers": [unknown]})

    def testMail(self):
        self.putMail()
        self.get("testMail", [202], body={"to": "alice@corp.example"})
        self.get("testMail", [400], body={"to": "nobody"})

    def mailQueue(self):
        queue = self.get("mailQueue").json()
        if not queue["mails"]:
            raise Untrue("mailQueue: the test mail is not in it")

    def explainUser(self):
        found = [self.get("explainUser", body={"name": name}).json()["found"] for name in ("alice", "nobody-at-all")]
        if found != ["one", "nobody"]:
            raise Untrue(f"explainUser: alice and nobody-at-all are {found}")
        self.get("explainUser", body={"name": "alice"}, headers={"Content-Type": "text/xml"})

    def domain(self):
        return self.connection()["alias"]

    def migrateProfiles(self):
        self.get("migrateProfiles", body={"domain": self.domain(), "dry_run": True})
        self.get("migrateProfiles", [404], body={"domain": "none of that name"})

    def unregisterProfiles(self):
        who = {"users": ["alice", "nobody-at-all"]}
        self.get("unregisterProfiles", body={"domain": self.domain(), "who": who, "dry_run": True})

    def importProfiles(self):
        people = [{"user": name, "answers": [{"question": "?", "answer": "!"}]} for name in ("alice", "nobody-at-all")]
        self.get("importProfiles", body={"people": people, "dry_run": True})


def main():
    match sys.argv[1:]:
        case ["check", path]:
            action = None
        case ["drive", path, *urls] if urls:
            action = urls
        case _:
            sys.exit(__doc__)
    try:
        with open(path, encoding="utf-8") as file:
            document = Document(file.read())
        document.check()
        if action:
            Driver(document, action, os.environ["PASSQUORUM_API_TOKEN"]).run()
        else:
            print(f"{len(document.operations)} operations, well formed")
    except (Untrue, RefResolutionError) as untrue:
        sys.exit(f"untrue: {untrue}")


main()
