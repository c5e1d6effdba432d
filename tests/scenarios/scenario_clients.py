"""The service from outside: its API as a member of staff, and a follower's phone through the simulator."""

import re

import requests

Json = dict  # as the service sent it

NUMBER = re.compile(r"GD\d{8}-\d{4,}")


class Http:
    """JSON over HTTP with one base address and the same headers each time."""

    def __init__(self, base: str, **headers: str) -> None:
        self.base, self.session = base, requests.Session()
        self.session.trust_env = False
        self.session.headers.update(headers)
        adapter = requests.adapters.HTTPAdapter(pool_maxsize=32)
        self.session.mount("http://", adapter)

    def get(self, path: str, /, **query: object) -> requests.Response:
        return self.session.get(self.base + path, params=query, timeout=70)  # type: ignore[arg-type]

    def post(self, path: str, body: object = None, /, **headers: str) -> requests.Response:
        return self.session.post(self.base + path, json={} if body is None else body, headers=headers, timeout=70)


class Api(Http):
    """The service's API as one member of staff."""

    def ticket(self, number: str) -> Json:
        return answered(self.get(f"/tickets/{number}"))

    def messages(self, number: str, direction: str = "") -> list[Json]:
        items = answered(self.get(f"/tickets/{number}/messages"))["items"]
        return [item for item in items if direction in ("", item["direction"])]

    def message(self, number: str, message_id: int) -> Json:
        return next(item for item in self.messages(number) if item["id"] == message_id)

    def state(self, number: str, message_id: int) -> str:
        """The delivery state of a reply."""
        state: str = self.message(number, message_id)["delivery"]["state"]
        return state

    def events(self, number: str) -> list[Json]:
        items: list[Json] = answered(self.get(f"/tickets/{number}/events"))["items"]
        return items

    def act(self, number: str, action: str, /, **body: object) -> Json:
        """Do it; what the service answers."""
        return answered(self.post(f"/tickets/{number}/{action}", body))

    def reply(self, number: str, text: str, kind: str = "interim", **body: object) -> Json:
        return self.act(number, "reply", text=text, kind=kind, **body)

    def attempt(self, number: str, action: str, /, **body: object) -> tuple[int, str]:
        """Status and, where it is a problem, its code."""
        answer = self.post(f"/tickets/{number}/{action}", body)
        return answer.status_code, "" if answer.ok else answer.json()["code"]


def answered(answer: requests.Response) -> Json:
    """The JSON of an answer that must be good."""
    assert answer.ok, f"{answer.request.method} {answer.url}: {answer.status_code} {answer.text}"
    found: Json = answer.json()
    return found


class Phone:
    """One follower's phone, through the simulator's control API."""

    def __init__(self, control: Http, openid: str) -> None:
        self.control, self.openid = control, openid

    def does(self, kind: str, /, **values: object) -> Json:
        """Do something on the phone and wait for the end of its push, which must arrive: the push."""
        push = self.tries(kind, **values)
        assert push["state"] in ("handled", "shown"), push
        return push

    def tries(self, kind: str, /, **values: object) -> Json:
        """The same where it may fail."""
        return answered(self.control.post(f"/followers/{self.openid}/say", {"type": kind, "wait": True, **values}))

    def says(self, text: str, **values: object) -> Json:
        return self.does("text", text=text, **values)

    def opens(self, text: str, **values: object) -> str:
        """Write about a new matter; the number in the receipt."""
        self.says(text, **values)
        return self.number()

    def number(self) -> str:
        """The ticket's number in the newest receipt."""
        receipts = self.lines("receipt")
        found = NUMBER.findall(receipts[-1]) if receipts else []
        assert len(found) == 1, f"one number in the receipt expected: {receipts}"
        return str(found[0])

    def lines(self, kind: str) -> list[str]:
        """Texts on the phone, of kind mine, receipt, reply or failure."""
        answer = self.control.get(f"/followers/{self.openid}/transcript", kind=kind)
        return [entry["text"] for entry in answered(answer)["entries"]]

    def hears(self, count: int, *, within: float = 15.0) -> list[str]:
        """Wait until so many replies are on the phone; their texts."""
        query = {"kind": "reply", "count": count, "wait": "true", "timeout": within}
        entries = answered(self.control.get(f"/followers/{self.openid}/transcript", **query))["entries"]
        texts = [entry["text"] for entry in entries]
        assert len(texts) >= count, f"{count} replies expected within {within} s: {texts}"
        return texts

    def window(self, **values: object) -> None:
        """Set the platform's idea of the reply window: `remaining`, `seconds`."""
        answered(self.control.post(f"/followers/{self.openid}/window", values))
