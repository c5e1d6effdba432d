"""What a language model may say about a message, and what may come between, with the words for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

FIRST_PAUSE = timedelta(minutes=1)  # doubled with each failure in a row
LONGEST_PAUSE = timedelta(hours=1)
TOLERATED = 5  # answers in a row that cannot be used before the model is left alone


@dataclass(frozen=True, slots=True)
class Opinion:
    """A checked answer: a category that was offered, 0 to 1, a reason on one line; tokens are None where untold."""

    category: str
    confidence: float
    reason: str
    tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """What went wrong and the cure. `whole`: the next request would end alike. `urgent`: it does not end by itself."""

    what_zh: str
    what_en: str
    whole: bool = True
    urgent: bool = False


PROBLEMS: Mapping[str, Problem] = {
    "unreachable": Problem("连不上：检查本机网络和 OPINION_URL", "no connection: check the network and OPINION_URL"),
    "slow": Problem(
        "没有及时回应：可调大 OPINION_TIMEOUT 或换更快的模型",
        "no answer in time: raise OPINION_TIMEOUT or take a faster model",
    ),
    "broken": Problem("连接中断", "the connection broke"),
    "certificate": Problem(
        "证书无效：核对 OPINION_URL 和本机时间",
        "its certificate is not valid: check OPINION_URL and this clock",
        urgent=True,
    ),
    "redirect": Problem(
        "要求转到别的地址，已拒绝：OPINION_URL 填最终地址",
        "it redirects, which is refused: name the final address in OPINION_URL",
        urgent=True,
    ),
    "key": Problem("不接受密钥：核对 OPINION_KEY", "it refuses the key: check OPINION_KEY", urgent=True),
    "funds": Problem("账户欠费或额度用完", "the account there has run out", urgent=True),
    "missing": Problem(
        "没有这个地址或模型：核对 OPINION_URL 和 OPINION_MODEL",
        "no such address or model: check OPINION_URL and OPINION_MODEL",
        urgent=True,
    ),
    "refused": Problem(
        "不接受这样的请求：模型须支持 JSON 输出，核对 OPINION_MODEL",
        "it refuses the request: the model must know JSON output, check OPINION_MODEL",
        whole=False,  # some refuse a message for its words
    ),
    "often": Problem("请求太频繁", "too many requests"),
    "trouble": Problem("对方系统故障", "trouble on its side"),
    "foreign": Problem(
        "回应不是这种接口的：核对 OPINION_URL", "the answer is not of such an API: check OPINION_URL", urgent=True
    ),
    "large": Problem("回应过长，未读完", "its answer is too long and was not read"),
    "nonsense": Problem("回答不合要求，未采用", "its answer does not keep to what was asked", whole=False),
}


class OpinionError(Exception):
    """No opinion. `told` is a status or a rule that was broken, never words of the other side or of a follower."""

    def __init__(self, problem: str, told: str = "", wait: timedelta = timedelta(0)) -> None:
        """`wait`: what the other side asked for."""
        super().__init__(f"{problem} {told}".strip())
        self.problem, self.told, self.wait = problem, told, wait

    def sentence(self, language: str = "zh") -> str:
        """What happened and what to do about it, in that language."""
        problem = PROBLEMS[self.problem]
        if language == "en":
            return f"{problem.what_en}{f' ({self.told})' if self.told else ''}"
        return f"{problem.what_zh}{f'（{self.told}）' if self.told else ''}"


def pause_after(error: OpinionError, failures: int) -> timedelta:
    """How long the model is left alone after this failure, the so-manieth in a row; zero: not at all."""
    counted = failures if PROBLEMS[error.problem].whole else failures - TOLERATED
    if counted < 1:
        return timedelta(0)
    grown = FIRST_PAUSE * (1 << min(counted - 1, 10))
    return min(max(grown, error.wait), LONGEST_PAUSE)
