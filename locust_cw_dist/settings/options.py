"""The ``--cw-*`` options on Locust's own command line: declaring them, and reading them as ``Settings``.

Each option is a flag ``--cw-x-y``, an environment variable ``LOCUST_CW_X_Y``, a line ``cw-x-y = ...`` in
``locust.conf`` and a key of ``[tool.locust]`` in ``pyproject.toml``. A flag goes before the variable, and the
variable before a file; they do not add up, for options that can be repeated either.

Three things that Locust does shape this file:

- Every option travels from the master to the workers in the message that starts users, packed with msgpack.
  A value that msgpack cannot pack ends that greenlet: no user starts, and Locust exits with 0. So what the
  parser stores is str, int, float, bool or a list of str, and ``settings_from_options`` makes richer values
  of it later. And a worker's hub stands still for 6 ms for each option that comes, since Locust builds its
  parser anew for each (2.47; 3 ms with 2.32): ``keep_from_workers`` takes ours out once they are read.
- A wrong value must end the process before Locust forks (``--processes``) or connects, or others wait for
  one that never comes. So values are checked while they are parsed, by the rules of ``Settings``. What only
  makes sense together with another option is checked where the settings are read, on the master: a worker
  accepts the master's command line whatever it says, and ignores it.
- The web form can write any option into the running process, whether the form shows it or not. So nothing
  here is a credential, and what decides where data goes is read once. Labels, which the form does show, can
  be read again.
"""

from __future__ import annotations

import argparse
import dataclasses
from typing import TYPE_CHECKING, Any

from locust_cw_dist.core.costs.prices import PRICE_NAMES
from locust_cw_dist.core.publish.metric_names import METRIC_NAMES
from locust_cw_dist.errors import SettingsError
from locust_cw_dist.settings import option_texts as texts
from locust_cw_dist.settings.checks import RULES
from locust_cw_dist.settings.near_options import name_near_options
from locust_cw_dist.settings.repeated_option import Repeated
from locust_cw_dist.settings.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

GROUP_TITLE = "CloudWatch (locust-cw-dist)"
_GROUP_DESCRIPTION = (
    # Locust's formatter keeps the lines of a group's description as they are.
    "Results into Amazon CloudWatch, published by the master or the single process. Workers\n"
    "accept the same options and ignore them. Each is an environment variable too\n"
    "(LOCUST_CW_SERVICE for --cw-service), and a key of locust.conf or of [tool.locust] in\n"
    "pyproject.toml. Credentials are boto3's own, never an option."
)
VARIABLES = "LOCUST_CW_"
"""What the names of our environment variables begin with."""


def variable_of(flag: str) -> str:
    """Return the environment variable of one of our flags."""
    return VARIABLES + flag.removeprefix("--cw-").replace("-", "_").upper()


@dataclasses.dataclass(frozen=True, slots=True)
class _Option:
    """One option: its name without ``--cw-``, its field of ``Settings``, and how to read its text.

    ``read`` takes one text, or a list of texts where ``split`` is given: the option can then be repeated, and
    ``split`` takes one occurrence apart.
    """

    name: str
    field: str
    metavar: str
    help: str
    read: Callable[[Any], Any] = lambda text: text
    split: Callable[[str], list[str]] | None = None
    in_web_form: bool = False

    @property
    def flag(self) -> str:
        return f"--cw-{self.name}"

    @property
    def dest(self) -> str:
        return f"cw_{self.name.replace('-', '_')}"

    @property
    def environment_variable(self) -> str:
        return variable_of(self.flag)

    def checked(self, text: Any) -> Any:
        """The field's value; SettingsError where the text is wrong."""
        return RULES[self.field](self.read(text))

    def restored(self, stored: Any) -> Any:
        """The field's value, unchecked, of what a parser stored or Locust's web form put in its place."""
        if self.split is None:
            return stored
        texts = [stored] if isinstance(stored, str) else stored
        try:
            return self.read([part for text in texts for part in self.split(text)])
        except SettingsError as wrong:
            raise SettingsError(wrong.problem, setting=self.flag) from None


_LABEL = _Option(
    "label",
    "labels",
    "<key=value>",
    "Branch, commit or build of this run: in the log, the record and the page, never billed. Can be "
    "repeated, or KEY=VALUE,KEY=VALUE.",
    texts.read_pairs,
    texts.lines_and_commas,
    in_web_form=True,
)

_OPTIONS = (
    _Option(
        "service",
        "service",
        "<name>",
        "What is under test. Metrics go to the namespace ENVIRONMENT/SERVICE/loadtests. Without this and "
        "without --cw-namespace nothing is published.",
    ),
    _Option("environment", "environment", "<name>", "Where it runs; begins the namespace. Defaults to perf."),
    _Option("namespace", "namespace", "<name>", "The namespace, in place of ENVIRONMENT/SERVICE/loadtests."),
    _Option("region", "region", "<region>", "AWS Region. Defaults to AWS_REGION, then to boto3's own choice."),
    _Option("role-arn", "role_arn", "<arn>", "Role to assume for publishing, as in a monitoring account."),
    _Option("external-id", "external_id", "<id>", "External id that the role of --cw-role-arn asks for."),
    _Option("endpoint-url", "endpoint_url", "<url>", "Send here and not to AWS; for 'locust-cw local-cloudwatch'."),
    _Option("host", "host", "<host>", "The Host dimension. Defaults to Locust's --host, else to '-'."),
    _Option(
        "resolution",
        "resolution_s",
        "<seconds>",
        "Length of the windows that results are gathered in: 1, 5, 10, 30 or 60. Defaults to 10.",
        texts.number(int),
    ),
    _Option(
        "percentiles",
        "percentiles",
        "<p,p,...>",
        "Percentiles to send as ResponseTime_pNN_ms, as 50,95,99.9. Defaults to 95 for each endpoint and to "
        "50,95,99 for all together.",
        texts.read_percentiles,
        texts.lines_and_commas,
    ),
    _Option(
        "dimension",
        "dimensions",
        "<key=value>",
        "A dimension of every series. Makes new series, which CloudWatch bills. Can be repeated; one a line "
        "in the environment variable.",
        texts.read_pairs,
        texts.lines,
    ),
    _LABEL,
    _Option(
        "metrics",
        "metrics",
        "<name,...>",
        f"Metrics to send: 'all', or 'all,-NAME' without some, or names: {', '.join(METRIC_NAMES)}. Defaults to all.",
        texts.read_metrics,
        texts.lines_and_commas,
    ),
    _Option(
        "max-endpoints",
        "max_endpoints",
        "<int>",
        "Endpoints with series of their own, 1 to 1000; the rest share one, (other). Defaults to 100.",
        texts.number(int),
    ),
    _Option(
        "grace",
        "grace_s",
        "<seconds>",
        "How long a window waits for workers that are behind, 1 to 300. Defaults to 15.",
        texts.number(float),
    ),
    _Option(
        "flush-timeout",
        "flush_timeout_s",
        "<seconds>",
        "How long the end of a run may take to bring out the last data, at most 3600. Defaults to 30.",
        texts.number(float),
    ),
    _Option(
        "group",
        "groups",
        "<regex=name>",
        "Count requests whose whole name matches under another name, as '/item/[0-9]+=/item/{id}'. Can be repeated: "
        "the first that matches decides; one a line in the environment variable.",
        texts.read_groups,
        texts.lines,
    ),
    _Option(
        "include",
        "include",
        "<regex>",
        "Publish only requests whose whole name matches, after grouping. Can be repeated; one a line in the "
        "environment variable.",
        split=texts.lines,
    ),
    _Option(
        "exclude",
        "exclude",
        "<regex>",
        "Don't publish requests whose whole name matches, after grouping. Can be repeated; one a line in the "
        "environment variable.",
        split=texts.lines,
    ),
    _Option(
        "spool-dir",
        "spool_dir",
        "<folder>",
        "Keep on disk what CloudWatch has not taken, for the next master with this folder or for 'locust-cw resend'.",
    ),
    _Option(
        "record",
        "record",
        "<folder>",
        "Write a record of each run there, a folder or s3://BUCKET/PREFIX, for 'locust-cw report' and 'locust-cw "
        "compare'; also without publishing.",
    ),
    _Option(
        "rules",
        "rules",
        "<file>",
        "A TOML file of rules that the run must keep to, on response times, failures, requests per second and counts; "
        "also without publishing. docs/rules.md has its form.",
        texts.read_rule_file,
    ),
    _Option(
        "rule",
        "rule",
        "<rule>",
        "A rule that the run must keep to, as 'p95(POST /checkout) < 300 ms'. Can be repeated; one a line in the "
        "environment variable.",
        split=texts.lines,
    ),
    _Option("junit", "junit", "<file>", "Write what became of the rules to this file, as JUnit XML."),
    _Option("rules-json", "rules_json", "<file>", "Write what became of the rules to this file, as JSON."),
    _Option(
        "ambiguous",
        "ambiguous",
        "<policy>",
        "What to do with a batch when no answer says whether CloudWatch took it: resend (it may count twice) or drop "
        "(it may be lost). Defaults to resend.",
    ),
    _Option(
        "reasons",
        "reasons",
        "<form>",
        "What failure reasons hold: message (status or class, and the message; secrets are masked) or class (status or "
        "class only). Defaults to message.",
    ),
    _Option(
        "price",
        "prices",
        "<name=usd>",
        f"A price of your own for the estimates, as metric_month=0.25, out of {', '.join(PRICE_NAMES)}. Can be "
        "repeated, or NAME=USD,NAME=USD.",
        texts.read_prices,
        texts.lines_and_commas,
    ),
    _Option(
        "payloads",
        "payloads",
        "<file>",
        "With --cw-dry-run: write what would have been sent to this file, one PutMetricData body a line.",
    ),
)

_FLAGS = (
    _Option(
        "required",
        "required",
        "",
        "Exit with 2 before any load when results cannot be published, and with 4 after a run that is invalid or was "
        "cut short. Off by default.",
    ),
    _Option(
        "dry-run", "dry_run", "", "Don't call AWS; say at the end what would have been sent, and what it would cost."
    ),
)


def add_arguments(parser: argparse.ArgumentParser, fields: Collection[str] | None = None) -> None:
    """Declares the ``--cw-*`` options on Locust's parser; once for each parser, however often it is called.

    Args:
        parser: What Locust's ``init_command_line_parser`` event hands out.
        fields: Fields of ``Settings``: only their options, for a command that has no use for others.
    """
    if GROUP_TITLE in (group.title for group in parser._action_groups):  # noqa: SLF001 - there is no public way to ask
        return
    group: Any = parser.add_argument_group(GROUP_TITLE, _GROUP_DESCRIPTION)
    for option in _wanted(_OPTIONS, fields):
        how = _how_to_store(option)
        action = group.add_argument(
            option.flag, env_var=option.environment_variable, metavar=option.metavar, help=option.help, **how
        )
        _mark_for_web_form(action, shown_there=option.in_web_form)
    for option in _wanted(_FLAGS, fields):
        action = group.add_argument(
            option.flag, env_var=option.environment_variable, help=option.help, action="store_true"
        )
        _mark_for_web_form(action, shown_there=False)
    name_near_options(parser)


def _wanted(options: Iterable[_Option], fields: Collection[str] | None) -> list[_Option]:
    return [option for option in options if fields is None or option.field in fields]


def _how_to_store(option: _Option) -> dict[str, Any]:
    if option.split is not None:
        return {"type": option.split, "action": Repeated, "check": option.checked}

    def convert(text: str) -> Any:
        try:
            return option.checked(text)
        except SettingsError as wrong:
            raise argparse.ArgumentTypeError(wrong.problem) from None

    return {"type": convert}


def _mark_for_web_form(action: Any, *, shown_there: bool) -> None:
    # Locust's add_argument takes these as keywords, that of an argument group does not. All four are read.
    action.include_in_web_ui = shown_there
    action.is_secret = action.is_required = action.is_multiple = False


def settings_from_options(options: argparse.Namespace | None) -> Settings:
    """The settings that parsed options ask for; defaults for what they leave out.

    Args:
        options: Locust's ``environment.parsed_options``. None, or one without our options, gives the
            defaults: a script may have made it.

    Raises:
        SettingsError: Options contradict each other. It names the option.
    """
    every = (*_OPTIONS, *_FLAGS)
    stored = {option: getattr(options, option.dest, None) for option in every}
    try:
        return Settings(
            **{option.field: option.restored(value) for option, value in stored.items() if value is not None}
        )
    except SettingsError as wrong:
        flag = next((option.flag for option in every if option.field == wrong.setting), wrong.setting)
        raise SettingsError(wrong.problem, setting=flag) from None


def has_options(options: argparse.Namespace | None) -> bool:
    """Whether a parser that knew our options made these: otherwise nobody has read our variables."""
    return any(hasattr(options, option.dest) for option in (*_OPTIONS, *_FLAGS))


def keep_from_workers(options: argparse.Namespace | None) -> None:
    """Take our options out of what a master sends to its workers each time it starts or stops users.

    Args:
        options: Locust's ``environment.parsed_options``, once `settings_from_options` has read it. It keeps the labels
            alone, which Locust's web form writes there.
    """
    if options is None:
        return
    for option in (*_OPTIONS, *_FLAGS):
        if option is not _LABEL:
            vars(options).pop(option.dest, None)


def labels_from_options(options: argparse.Namespace | None) -> tuple[tuple[str, str], ...]:
    """The labels as they are now, at the start of a run: Locust's web form may have changed them.

    Args:
        options: Locust's ``environment.parsed_options``. The form leaves a text there, or a list of texts.

    Raises:
        SettingsError: What was typed is not KEY=VALUE,KEY=VALUE.
    """
    value = getattr(options, _LABEL.dest, None)
    try:
        labels: tuple[tuple[str, str], ...] = RULES[_LABEL.field](_LABEL.restored(value or ()))
    except SettingsError as wrong:
        raise SettingsError(wrong.problem, setting=_LABEL.flag) from None
    return labels
