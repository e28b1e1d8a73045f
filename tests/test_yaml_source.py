"""Claims about reading scenario files: what is read, where it stands, and how mistakes are named."""

from __future__ import annotations

import contextlib
import math
import subprocess
import sys
from pathlib import Path

import pytest
from demo_settings import STRATEGIES, Demo, Section
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field, ValidationInfo, field_validator
from ruamel.yaml import YAML

from sim.errors import BadInput
from sim.slips import several
from sim.yaml_source import Source, did_you_mean, dump, load, loads, path_text, split_path, validate


def said(text: str, *overrides: str, model: type[BaseModel] = Demo, file: str = "f.yaml") -> list[str]:
    """All mistakes of a text, one a line; none where it is good."""
    try:
        validate(model, loads(text, overrides, file))
    except BadInput as bad:
        return [str(mistake) for mistake in bad.mistakes]
    return []


def read(text: str, *overrides: str) -> Demo:
    return validate(Demo, loads(text, overrides))


def written(into: Path, **files: str) -> Path:
    for name, text in files.items():
        (into / f"{name}.yaml").write_text(text, encoding="utf-8")
    return into


# --- what the words mean ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("no", "no"),
        ("yes", "yes"),
        ("on", "on"),
        ("12:30", "12:30"),
        ("2024-01-01", "2024-01-01"),
        ("0x1F", 31),
        ("1e3", 1000.0),
        ("1E-3", 0.001),
        ("-.5", -0.5),
        ("5.", 5.0),
        ("010", 10),
        ("0o17", 15),
        ("1_000", "1_000"),
        ("true", True),
        ("True", True),
        ("~", None),
        ("", None),
        ("null", None),
        ("'5'", "5"),
        ('"\\u00e9"', "é"),
        ("+3", 3),
        ("-0", 0),
        ("5%", "5%"),
        (".5.", ".5."),
        ("0b1", "0b1"),
        ("=", "="),
        ("|\n  two\n  lines\n", "two\nlines\n"),
    ],
)
def test_plain_words_mean_what_yaml_1_2_says(word: str, value: object) -> None:
    got = loads(f"x: {word}").data["x"]
    assert got == value
    assert type(got) is type(value)


def test_infinity_and_nan_are_read_and_refused_with_the_range() -> None:
    assert math.isinf(loads("x: 1e400").data["x"])
    assert said(
        "name: x\npopulation: {customers: .nan, shares: {mass: -.inf}}\narms: {a: [{use: training, hours: .inf}]}"
    ) == [
        "f.yaml:2:25  population.customers: NaN is not allowed; a whole number from 1 to 1000000000 (customers)",
        "f.yaml:2:46  population.shares.mass: -infinity is not allowed; a number from 0 to 1 (share)",
        "f.yaml:3:35  arms.a.training.hours: infinity is not allowed; a whole number from 0 to 200 (hours)",
    ]


def test_windows_line_ends_and_a_byte_order_mark_change_nothing(tmp_path: Path) -> None:
    file = tmp_path / "f.yaml"
    file.write_bytes(b"\xef\xbb\xbfname: x\r\nmonths: -1\r\n")
    with pytest.raises(BadInput, match=r"f.yaml:2:9  months: -1 is not allowed; a whole number from 1 up \(months\)"):
        validate(Demo, load(file))


def test_anchors_are_read_and_the_copies_are_apart() -> None:
    source = loads("a: &a {x: 1}\nb: *a", ["b.x=2"])
    assert source.data == {"a": {"x": 1}, "b": {"x": 2}}


# --- files that cannot be read ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"", ":empty"),
        (b"# nothing\n", ":empty"),
        (b"---\n", ":empty"),
        (b"- 1\n- 2\n", "1:1 a list at the top"),
        (b"just text", "1:1 a single value at the top"),
        (b"\x00\x01\x02", ":not a text file"),
        (b"PK\x03\x04\x00\x00", ":not a text file"),
        (b"\x1f\x8b\x08abc", ":not a text file"),
        ("name: x".encode("utf-16"), ":UTF-16 text"),
        (b"a: 1\nname: caf\xe9\n", "2:10 not UTF-8 text"),
        (b"name: x\n\tmonths: 3\n", "2:1 a tab in the indentation"),
        (b"name: x\n---\nname: y\n", "2:1 a second document"),
        (b"a: {b: 1\n", "2:1 '}' or a comma is missing"),
        (b"a: 'b\n", "2:1 the file ends inside a quoted text"),
        (b"a: b: c\n", "1:5 a ':' that cannot stand here"),
        (b"a: @b\n", "1:4 text cannot start with '@'"),
        (b"a: *b\n", "1:4 the alias *b has no anchor"),
        (b"a: &a [*a]\n", "1:8 the alias *a stands inside its own value"),
        (b"a: " + b"[" * 9999, "1:54 nested deeper than 50 levels"),
        (b"a: \x07\n", "1:4 the character \\u0007"),
        (b"a: " + b"- " * 9999, "1:4 "),
        (b"%YAML x\n---\na: 1\n", "1:7 not readable as YAML"),
    ],
)
def test_a_file_that_holds_no_scenario_is_one_clear_mistake(tmp_path: Path, raw: bytes, says: str) -> None:
    file = tmp_path / "f.yaml"
    file.write_bytes(raw)
    with pytest.raises(BadInput) as caught:
        load(file)
    (mistake,) = caught.value.mistakes
    where, message = says.split(" ", 1) if says[0] != ":" else ("0:0", says[1:])
    assert f"{mistake.line}:{mistake.column}" == where
    assert mistake.message.startswith(message)
    assert mistake.file == str(file)


def test_a_path_that_is_no_readable_file_says_why(tmp_path: Path) -> None:
    (tmp_path / "baseline.yaml").write_text("name: x")
    for file, says in [
        (tmp_path / "basline.yaml", "no such file; did you mean"),
        (tmp_path, "a folder; a YAML file"),
        (tmp_path / "baseline.yaml" / "x", "no such file"),
        (tmp_path / ("x" * 300), "cannot be read"),
        ("a\0b", "cannot be read"),
    ]:
        with pytest.raises(BadInput) as caught:
            load(file)
        assert caught.value.mistakes[0].message.startswith(says)


def test_aliases_cannot_explode() -> None:
    layers = "".join(f"x{i}: &x{i} [{', '.join([f'*x{i - 1}'] * 10)}]\n" for i in range(1, 12))
    with pytest.raises(BadInput, match="more than 200000 values once aliases are written out"):
        loads(f"x0: &x0 [a]\n{layers}")


def test_a_tag_never_runs_and_the_rest_is_still_checked() -> None:
    assert said("name: !!python/object/apply:os.system ['false']\nmonths: 0") == [
        "f.yaml:1:7  name: the tag !!python/object/apply:os.system is not allowed; the value without a tag",
        "f.yaml:2:9  months: 0 is not allowed; a whole number from 1 up (months)",
    ]
    assert said("name: x\nmonths: !!int '5'") == [
        "f.yaml:2:9  months: the tag !!int is not allowed; the value without a tag"
    ]


def test_every_duplicate_key_is_named_with_the_line_of_the_first() -> None:
    assert said("name: x\nname: y\narms:\n  a: [{use: training, use: training}]\n  a: []\nname: z") == [
        "f.yaml:2:1  name: duplicate key, first on line 1; one of the two",
        "f.yaml:4:23  arms.a.training.use: duplicate key, first on line 4; one of the two",
        "f.yaml:5:3  arms.a: duplicate key, first on line 4; one of the two",
        "f.yaml:6:1  name: duplicate key, first on line 1; one of the two",
    ]


@pytest.mark.parametrize("key", ["12", "null", "true", "1.5", "~", "[a]", "? {a: b}\n", "<<"])
def test_a_key_that_is_not_text_is_a_mistake(key: str) -> None:
    (mistake,) = said(f"name: x\n{key}: 1")
    assert mistake.startswith("f.yaml:2:")
    assert said(f"name: x\n'{key}': 1".replace("\n: ", ": ")) != []  # quoted it is text, and an unknown key


# --- extends ---------------------------------------------------------------------------------------------------------


def test_mappings_merge_deep_and_the_named_keys_are_replaced_whole(tmp_path: Path) -> None:
    written(
        tmp_path,
        base="name: base\nmodel: {a: {x: 1, y: 2}, matrix: [[1]], tiers: {p: 1}}\n"
        "arms: {n: [], m: []}\nseeds: {first: 1}\n",
        child="extends: base.yaml\nname: child\nmodel: {a: {y: 3}, matrix: [], tiers: {q: 1}}\n"
        "arms: {z: []}\nseeds: {until: 1}\n",
    )
    assert load(tmp_path / "child.yaml").data == {
        "name": "child",
        "model": {"a": {"x": 1, "y": 3}, "matrix": [], "tiers": {"q": 1}},
        "arms": {"z": []},
        "seeds": {"until": 1},
    }


def test_a_value_remembers_the_file_it_came_from(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    written(tmp_path / "sub", base="name: b\npopulation:\n  customers: -5\n  agents: 10\n")
    written(tmp_path, child="extends: sub/base.yaml\npopulation: {agents: -1}\n")
    source = load(tmp_path / "child.yaml")
    base, child = str(tmp_path / "sub" / "base.yaml"), str(tmp_path / "child.yaml")
    assert source.files == (child, base)
    assert source.address(("population", "customers")) == (base, 3, 14)
    assert source.address(("population", "agents")) == (child, 2, 22)
    assert source.file_of(("population", "customers")) == base
    with pytest.raises(BadInput) as caught:
        validate(Demo, source)
    assert [(m.file, m.line, m.path) for m in caught.value.mistakes] == [
        (child, 2, "population.agents"),
        (base, 3, "population.customers"),
    ]


def test_extends_that_leads_nowhere_or_in_a_circle_is_a_mistake_where_it_stands(tmp_path: Path) -> None:
    written(
        tmp_path,
        a="name: a\nextends: b.yaml\n",
        b="extends: ./a.yaml\n",
        self="extends: self.yaml\n",
        lost="extends: nowhere.yaml\n",
        folder="extends: .\n",
        number="extends: 5\n",
        several="extends: [a.yaml]\n",
        broken_parent="extends: broken.yaml\nname: x\nname: y\n",
        broken="a: [\n",
        **{f"c{i}": f"extends: c{i + 1}.yaml\n" for i in range(25)},
    )

    def of(name: str) -> list[str]:
        with pytest.raises(BadInput) as caught:
            load(tmp_path / f"{name}.yaml")
        return [str(m).replace(str(tmp_path), "") for m in caught.value.mistakes]

    assert of("a") == ["/b.yaml:1:10  extends: /a.yaml extends itself in a circle; another file"]
    assert of("self") == ["/self.yaml:1:10  extends: /self.yaml extends itself in a circle; another file"]
    assert of("lost")[0].startswith("/lost.yaml:1:10  extends: /nowhere.yaml: no such file")
    assert of("folder") == ["/folder.yaml:1:10  extends: : a folder; a YAML file"]
    assert of("number") == [
        "/number.yaml:1:10  extends: not a path; the path of another scenario file, relative to this one"
    ]
    assert of("several") == [
        "/several.yaml:1:10  extends: not a path; the path of another scenario file, relative to this one"
    ]
    assert of("c0") == ["/c19.yaml:1:10  extends: more than 20 files extend one another; fewer"]
    assert [line.split("  ")[0] for line in of("broken_parent")] == ["/broken.yaml:2:1", "/broken_parent.yaml:3:1"]


# --- the command line ------------------------------------------------------------------------------------------------

SMALL = """\
name: x
tiers: [{name: mass, from: 0}, {name: private, from: 10}]
arms: {a: [{use: training}, {use: training, hours: 2}]}
"""


@pytest.mark.parametrize(
    "path", ["tiers.private.from", "tiers[1].from", "tiers.[1].from", "tiers[ 1 ].'from'", '"tiers".private.from']
)
def test_an_item_of_a_list_goes_by_its_name_or_its_position(path: str) -> None:
    assert read(SMALL, f"{path}=7").tiers[1].start == 7


@pytest.mark.parametrize(
    ("override", "value"),
    [
        ("x.y.z=1e3", {"y": {"z": 1000.0}}),
        ("x=[1, {a: no}]", [1, {"a": "no"}]),
        ("x=", None),
        ("x= ", None),
        ("x='a=b'", "a=b"),
        ("x=a=b", "a=b"),
        ("x==", "="),
        ('x."k.e=y"=1', {"k.e=y": 1}),
        ("x=1 # one", 1),
        ("x = 5", 5),
    ],
)
def test_the_value_of_an_override_is_yaml(override: str, value: object) -> None:
    assert loads("name: x", [override]).data == {"name": "x", "x": value}


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("months", "  no '='; PATH=VALUE, such as population.customers=20000"),
        ("", "  empty; PATH=VALUE, such as population.customers=20000"),
        ("a..b=1", "  a key is missing in the path"),
        ("monts=3", "  monts: unknown key; did you mean months?"),
        ("months=x", '  months: "x" is text; a whole number from 1 up (months)'),
        ("name.x=1", "  name.x: name is x, a single value with nothing inside; a path that ends there"),
        ("tiers.privat.from=1", "  tiers.privat.from: tiers has no item called privat; did you mean private?"),
        ("tiers[2].from=1", "  tiers[2].from: tiers has no item [2]; [0] to [1]"),
        ("environment[0].from=1", "  environment[0].from: environment has no items; the whole list"),
        ("arms.a.training.hours=1", "  arms.a.training.hours: arms.a has several items called training; [0] or [1]"),
        ("arms[0]=1", "  arms[0]: arms is a mapping; one of its keys"),
        ("extends=x.yaml", "  extends: cannot be set here; in the file only"),
        ("live={a: 1, b: 2", "  live: '}' or a comma is missing before this"),
        ("live=!!bool true", "  live: the tag !!bool is not allowed; the value without a tag"),
    ],
)
def test_a_wrong_override_is_named_at_the_command_line(override: str, says: str) -> None:
    assert said(SMALL, override) == [f"--set {override}{says}"]


def test_overrides_apply_in_order_and_all_their_mistakes_are_named() -> None:
    assert read(SMALL, "months=5", "months=6").months == 6
    assert len(said(SMALL, "months=0", "monts=1", "tiers.x.y=1", "live=3")) == 4


def test_design_points_set_values_on_a_copy() -> None:
    base = loads(SMALL)
    point = base.with_values({"tiers.private.from": 50, "population.customers": 7})
    assert validate(Demo, point).tiers[1].start == 50
    assert base.data["tiers"][1]["from"] == 10
    assert point.address(("population", "customers")) == ("values", 0, 0)
    assert [str(m) for m in base.with_values({"tiers.privat.from": 1}, "design point 3").mistakes] == [
        "design point 3  tiers.privat.from: tiers has no item called privat; did you mean private?"
    ]


# --- paths and addresses ---------------------------------------------------------------------------------------------


def test_addresses_are_of_the_value_of_the_key_or_of_the_nearest_key_above() -> None:
    source = loads("name: x\npopulation:\n  customers: 5\ntiers:\n- {name: mass}\n", file="f.yaml")
    assert source.address(("population", "customers")) == ("f.yaml", 3, 14)
    assert source.address(("population", "customers"), key=True) == ("f.yaml", 3, 3)
    assert source.address(("population", "agents")) == ("f.yaml", 2, 1)
    assert source.address(("tiers", 0, "from")) == ("f.yaml", 5, 3)
    assert source.address(("nothing", "here")) == ("f.yaml", 1, 1)


def test_a_path_is_written_as_a_user_would() -> None:
    data = {"tiers": [{"name": "mass"}, {"x": 1}, {"name": "twin"}, {"name": "twin"}], "a.b": {"c d": 1}}
    assert path_text(("tiers", 0, "from"), data) == "tiers.mass.from"
    assert path_text(("tiers", 1, "x"), data) == "tiers[1].x"
    assert path_text(("tiers", 3), data) == "tiers[3]"
    assert path_text(("a.b", "c d"), data) == '"a.b"."c d"'
    assert split_path('"a.b"."c d"') == ("a.b", "c d")
    assert loads(SMALL).find("tiers.private.from") == ("tiers", 1, "from")
    with pytest.raises(ValueError, match="tiers has no item called privat; did you mean private"):
        loads(SMALL).find("tiers.privat.from")


def test_did_you_mean_knows_case_hyphens_and_when_to_be_silent() -> None:
    assert did_you_mean("Retention-Call", ["retention_call", "training"]) == "did you mean retention_call?"
    assert did_you_mean("zzz", ["a", "b"]) == ""
    assert did_you_mean("zzz", ["a", "b"], all_if_none="known are") == "known are a, b"


# --- validation ------------------------------------------------------------------------------------------------------


def test_a_good_scenario_becomes_the_model() -> None:
    demo = read(
        "name: x\nseeds: {until: {kpi: a, half_width: 1}, max: 20}\npopulation: {agents: 0.2}\n"
        "environment: [{kind: crash}, {kind: pandemic, from: 3}]\norder: [2, 1]\n"
        "arms: {n: [], a: [{use: retention_call, channels: [app]}], b: {strategies: [{use: training}], budget: 5}}\n"
    )
    assert demo.population.agents == 0.2
    assert demo.arms["a"][0].channels == ("app",)
    assert demo.arms["b"].strategies[0].hours == 8


def test_one_mistake_a_line_all_at_once_in_the_order_of_the_file() -> None:
    text = """\
name: Big Name
monhts: 3
months: 10.5
live: yes
population: {customers: true, agents: 1.4, source: sythetic, shares: {mass: 1.4, x: "0.5"}}
hazards: {mass: {close: 1}, privat: {}}
tiers: [{name: a, form: 1}, {from: -1}]
environment: [{kind: pandemik}, {from: 1}, {kind: crash, depth: 1}, 5]
arms:
  calls: [{use: retention_call, hazard_raito: 1, from: -1}, {use: trainin}, {hours: 3}]
  spelled: {strategies: [{use: training, hours: 1e1}], budgt: 3}
  odd: 5
"""
    assert said(text) == [
        'f.yaml:1:7  name: "Big Name" is not allowed; text like [a-z0-9_-]+',
        "f.yaml:2:1  monhts: unknown key; did you mean months?",
        "f.yaml:3:9  months: 10.5 is not a whole number; a whole number from 1 up (months)",
        'f.yaml:4:7  live: "yes" is text; true or false; did you mean true?',
        "f.yaml:5:25  population.customers: true is not allowed; a whole number from 1 to 1000000000 (customers)",
        "f.yaml:5:39  population.agents: 1.4 is not allowed; a number above 0 and below 1",
        'f.yaml:5:52  population.source: "sythetic" is not allowed; did you mean synthetic? (synthetic or book)',
        "f.yaml:5:77  population.shares.mass: 1.4 is not allowed; a number from 0 to 1 (share)",
        'f.yaml:5:85  population.shares.x: "0.5" is text; a number from 0 to 1 (share); did you mean 0.5?',
        "f.yaml:6:25  hazards.mass.close: 1 is not allowed; a number from 0 to below 1 (1/month)",
        "f.yaml:6:29  hazards.privat: unknown key; did you mean private?",
        "f.yaml:7:19  tiers.a.form: unknown key; did you mean from?",
        "f.yaml:7:29  tiers[1].name: missing; text like [a-z0-9_-]+",
        "f.yaml:7:36  tiers[1].from: -1 is not allowed; a number from 0 up (CNY)",
        'f.yaml:8:22  environment[0].kind: "pandemik" is not allowed; did you mean pandemic? (pandemic or crash)',
        "f.yaml:8:33  environment[1].kind: missing; pandemic or crash",
        "f.yaml:8:65  environment[2].depth: 1 is not allowed; a number from 0 to below 1 (share)",
        "f.yaml:8:69  environment[3]: 5 is not allowed; a mapping with the key kind",
        "f.yaml:10:33  arms.calls.retention_call.hazard_raito: unknown key; did you mean hazard_ratio?",
        "f.yaml:10:56  arms.calls.retention_call.from: -1 is not allowed; a whole number from 0 up",
        "f.yaml:10:67  arms.calls.trainin.use: unknown strategy trainin; did you mean training?",
        "f.yaml:10:77  arms.calls[2].use: missing; the strategy: retention_call, training",
        "f.yaml:11:49  arms.spelled.strategies.training.hours: 10.0 is not a whole number; "
        "a whole number from 0 to 200 (hours); did you mean 10?",
        "f.yaml:11:56  arms.spelled.budgt: unknown key; did you mean budget?",
        "f.yaml:12:8  arms.odd: 5 is not allowed; a list, each a mapping with the key use, "
        "or a mapping with strategies, budget",
    ]


@pytest.mark.parametrize(
    ("seeds", "says"),
    [
        ("[1, -2]", ["12  seeds[1]: -2 is not allowed; a whole number from 0 up"]),
        ("[]", ["8  seeds: 0 items; a list of at least 1, each a whole number from 0 up"]),
        (
            "{frist: 1, count: 0}",
            [
                "9  seeds.frist: unknown key; did you mean first?",
                "26  seeds.count: 0 is not allowed; a whole number from 1 to 1000 (seeds)",
            ],
        ),
        ("{until: {kpi: a}}", ["9  seeds.until.half_width: missing; a number above 0"]),
        (
            "5",
            [
                "8  seeds: 5 is not allowed; a list of at least 1, each a whole number from 0 up, "
                "or a mapping with first, count, or a mapping with until, max"
            ],
        ),
    ],
)
def test_a_wrong_union_speaks_of_the_branch_that_fits_the_data(seeds: str, says: list[str]) -> None:
    assert said(f"name: x\nseeds: {seeds}") == [f"f.yaml:2:{line}" for line in says]


def test_a_union_told_apart_by_a_function_speaks_of_its_branch() -> None:
    assert said("name: x\norder: [1, a]") == ['f.yaml:2:12  order[1]: "a" is text; a whole number']
    assert said("name: x\norder: randm") == [
        'f.yaml:2:8  order: "randm" is not allowed; did you mean random? (random or given)'
    ]


def test_numbers_as_people_write_them_get_a_hint() -> None:
    assert said("name: x\npopulation: {customers: 1_000_000}")[0].endswith("(customers); did you mean 1000000?")
    assert said("name: x\npopulation: {shares: {a: 25%}}")[0].endswith("(share); did you mean 0.25?")
    assert said("name: 2024")[0].endswith('did you mean "2024"?')


def test_a_validator_may_report_several_mistakes_at_their_places() -> None:
    assert said("name: x\ntiers: [{name: a, from: 5}, {name: b, from: 5}, {name: c, from: 1}]") == [
        "f.yaml:2:45  tiers.b.from: 5 is not above 5; bounds rise",
        "f.yaml:2:65  tiers.c.from: 1 is not above 5; bounds rise",
    ]
    assert said("name: x\npopulation: {customers: 5, agents: 6}") == [
        "f.yaml:2:36  population.agents: more rows than customers; fewer"
    ]
    with pytest.raises(ValueError, match="at least one"):
        several([])


def test_a_strategy_registered_late_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    class Plugin(Section):
        use: str
        power: int = Field(1, le=3)

    text = "name: x\narms: {a: [{use: 'my.module:Plugin', power: 4}]}"
    assert "unknown strategy" in said(text)[0]
    monkeypatch.setitem(STRATEGIES, "my.module:Plugin", Plugin)
    assert said(text) == ['f.yaml:2:45  arms.a."my.module:Plugin".power: 4 is not allowed; a whole number up to 3']


def test_mistakes_stay_on_one_line_whatever_the_data_holds() -> None:
    for line in said('name: "a\\nb\\u2028\\e[31m"\n"k\\ney": 1\narms: {"\\t": 5}\nabout: [x]', "months=\u2028"):
        assert line.isprintable()


def test_the_context_reaches_validators_in_a_branch_too() -> None:
    class Inner(Section):
        tier: str

        @field_validator("tier")
        @classmethod
        def _known(cls, tier: str, info: ValidationInfo) -> str:
            if tier not in info.context:
                raise ValueError(f"one of {', '.join(info.context)}")
            return tier

    class Outer(Section):
        either: list[int] | Inner

    source = loads("either: {tier: top}", file="f.yaml")
    with pytest.raises(BadInput, match=r'f.yaml:1:16  either.tier: "top" is not allowed; one of mass, private'):
        validate(Outer, source, context=["mass", "private"])
    assert validate(Outer, source, context=["top"]).model_dump() == {"either": {"tier": "top"}}


# --- writing ---------------------------------------------------------------------------------------------------------

WORDS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    st.sampled_from(
        [
            "no",
            "1e3",
            "12:30",
            "",
            " ",
            "- a",
            "a: b",
            "#",
            "~",
            "0x1",
            "null",
            ".nan",
            "<<",
            "=",
            "a  b",
            "é",
            "%a",
            "@",
        ]
    ),
)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(10**90), 10**90), st.floats(allow_nan=False), WORDS),
    lambda inner: st.one_of(st.lists(inner, max_size=5), st.dictionaries(WORDS, inner, max_size=5)),
    max_leaves=25,
)
quick = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@quick
@given(st.dictionaries(WORDS, VALUES, min_size=1, max_size=5))
@example({"k" * 2000: {"k" * 500: [{"q" * 600: 1, "b": [[1, {}], []]}]}})
@example({"long": list(range(300)), "floats": [1e-7, 1e22, -0.0, 5e-324, float("inf")], "texts": ["word " * 60]})
def test_dumped_data_reads_back_the_same(data: dict[str, object]) -> None:
    data.pop("extends", None)
    text = dump(data, "first\nsecond")
    assert text.startswith("# first\n# second\n")
    if data:
        back = loads(text).data
        assert back == data
        assert repr(back) == repr(data)  # order, int or float, every bit


@quick
@given(
    st.dictionaries(
        st.text("abcno1e:- #", max_size=6),
        st.one_of(st.floats(allow_nan=False), st.text("no1e3:.-_ ", max_size=6)),
        min_size=1,
    )
)
def test_other_readers_understand_dumped_data_the_same(data: dict[str, object]) -> None:
    yaml = pytest.importorskip("yaml")
    text = dump(data)
    assert yaml.safe_load(text) == data
    assert YAML(typ="safe", pure=True).load(text) == data


def test_a_dump_looks_as_a_person_would_write_it() -> None:
    data = {
        "name": "x",
        "answer": "no",
        "months": 60,
        "model": {"a": {"x": 0.5, "z": 1}, "b": None},
        "tiers": [{"name": "mass", "from": 0}, {"name": "top", "more": {"deep": [1, 2]}}],
        "none": [],
        "tiny": 1e-7,
    }
    assert dump(data) == (
        'name: x\nanswer: "no"\nmonths: 60\nmodel:\n  a: {x: 0.5, z: 1}\n  b: null\ntiers:\n  - {name: mass, from: 0}\n'
        "  - name: top\n    more:\n      deep: [1, 2]\nnone: []\ntiny: 1.0e-07\n"
    )
    for bad in ({1: 2}, {"a": object()}, {"a": {1, 2}}):
        with pytest.raises(TypeError):
            dump(bad)


# --- whatever comes --------------------------------------------------------------------------------------------------

PIECES = st.sampled_from(
    [
        *["name", "tiers", "arms", "seeds", "a", "x", ": ", ":", "- ", "[", "]", "{", "}", ", ", "\n", "\n  ", "&a "],
        *["*a", "!!int ", "'", '"', "|", ">", "#", "? ", "---", "...", "\t", "%", "@", "`", "1e400", ".nan", "12"],
        *["null", "<<", "\r\n", "\x85", "\ufeff", "\\", "use: ", "training", "extends: ", "\u2028", "9" * 120],
    ]
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.one_of(
        st.text(),
        st.lists(PIECES, max_size=30).map("".join),
        st.lists(PIECES, max_size=12).map(lambda p: "name: x\n" + "".join(p)),
    )
)
@example("? - a\n: b")
@example("a: 1\n a: 2\n")
@example("- &a a\n*a : b")
def test_any_text_is_a_source_or_bad_input(text: str) -> None:
    lines = said(text)
    with contextlib.suppress(BadInput):
        assert isinstance(loads(text), Source)
        assert lines == list(dict.fromkeys(lines))
    assert all(line.isprintable() for line in lines)


@quick
@given(raw=st.binary(max_size=60))
def test_any_bytes_are_a_source_or_bad_input(tmp_path_factory: pytest.TempPathFactory, raw: bytes) -> None:
    file = tmp_path_factory.getbasetemp() / "bytes.yaml"
    file.write_bytes(raw)
    with contextlib.suppress(BadInput):
        assert isinstance(load(file), Source)


@settings(quick, max_examples=40)
@given(VALUES)
def test_any_data_is_a_model_or_bad_input(value: object) -> None:
    for key in ("population", "seeds", "tiers", "arms", "environment", "order", "hazards", "months"):
        for data in ({key: value}, {"name": "x", key: {"mass": value, "use": "training"}}, {"name": "x", key: [value]}):
            said(dump(data))


@quick
@given(st.text(max_size=30))
def test_any_override_is_taken_or_named(text: str) -> None:
    said(SMALL, text)
    said(SMALL, f"months={text}")


@quick
@given(st.lists(WORDS, min_size=1, max_size=4), VALUES)
def test_what_an_override_sets_is_read_back(keys: list[str], value: object) -> None:
    path = path_text(tuple(keys))
    if keys[0] in ("name", "extends") or any(len(path_text((key,))) > 50 for key in keys):
        return
    got = loads("name: x").with_values({path: value}).data
    for key in keys:
        got = got[key]
    assert repr(got) == repr(value)
    assert split_path(path) == tuple(keys)


def test_reading_needs_no_heavy_library() -> None:
    code = "import sys, sim.yaml_source; print([m for m in ('numpy', 'pandas', 'mesa', 'numba') if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
