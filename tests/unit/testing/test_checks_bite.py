"""Every check of the contract finds an algorithm that breaks its rule, and says so usefully."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest

from marlzoo.guide import guide_page
from marlzoo.registry import Registry
from marlzoo.specs import AlgorithmSpec
from marlzoo.testing import ALGORITHM_CHECKS, ContractFailure, Subject, entry_of, quick_options
from marlzoo.testing.guide import explanation, place

GUIDE = Path(__file__).parents[3] / "docs" / "contract.md"
CHECKS = {check.name: check for check in ALGORITHM_CHECKS}
CONFIG = "marlzoo_mappo.config:MappoConfig"


def broken(algorithm: str, config: str = CONFIG, **others: object) -> AlgorithmSpec:
    spec = AlgorithmSpec("broken", f"broken:{algorithm}", config, "Breaks a rule")
    return dataclasses.replace(spec, **others)


MAPPO = AlgorithmSpec("broken", "marlzoo_mappo.algorithm:Mappo", CONFIG, "Sound, but for what it declares")

CASES = [
    ("light-import", "", broken("Lazy", "broken:HeavyConfig"), "it loaded torch"),
    ("light-import", "", broken("Lazy", "nowhere_at_all:Config"), "No module named 'nowhere_at_all'"),
    ("declaration", "", broken("Outsider"), "class 'broken.Outsider'"),
    ("declaration", "", broken("Lazy", "broken:Outsider"), "class 'broken.Outsider'"),
    ("declaration", "", broken("Lazy", "broken:Unexplained"), "there is none for secret"),
    ("declaration", "", broken("Lazy", "broken:Demanding"), "there is none for needed"),
    ("declaration", "", broken("Lazy", discrete=False, continuous=False), "neither is"),
    ("declaration", "", broken("Missing"), "has no attribute 'Missing'"),
    ("presets", "", dataclasses.replace(MAPPO, presets="unwise_presets:presets.toml"), "clip: 9.0 is not"),
    ("presets", "", dataclasses.replace(MAPPO, presets="unwise_presets:named.toml"), "clip: 8.0 is not"),
    ("legal-actions", "mortal", broken("Unruly"), "an action is not legal"),
    ("legal-actions", "matrix", broken("Shapeless"), "torch.int32"),
    ("metrics", "matrix", broken("TensorMetrics"), "'loss' is tensor(0.), a Tensor"),
    ("metrics", "matrix", broken("InfiniteMetrics"), "'loss' is nan"),
    ("metrics", "matrix", broken("NeverDone"), "0 updates, and ready_to_save is True"),
    ("metrics", "matrix", broken("NeverReady"), "ready_to_save is False"),
    ("one-agent", "alone", broken("PairsOnly"), "IndexError"),
    ("same-seed", "mortal", broken("Entropic"), "differ"),
    ("global-state", "matrix", broken("GlobalTorch"), "torch's global generator was used"),
    ("global-state", "matrix", broken("GlobalNumpy"), "numpy's global generator was used"),
    ("global-state", "matrix", broken("GlobalRandom"), "Python's global generator was used"),
    ("global-state", "matrix", broken("GlobalSetting"), "handling of errors became"),
    ("global-state", "target", broken("GlobalSeed"), "reports other values of seed"),
    ("own-copies", "mortal", broken("Meddler"), "View.obs was changed"),
    ("own-copies", "mortal", broken("Hoarder"), "differ"),
    ("greedy-play", "matrix", broken("GreedyDrawer"), "context.generator was drawn from"),
    ("greedy-play", "matrix", broken("GreedyCounter"), "state_dict() differs"),
    ("explanation", "matrix", broken("Summariser"), "its shape is [4]"),
    ("explanation", "matrix", broken("Boaster"), "one adds up to more"),
    ("explanation", "matrix", broken("Ponderer"), "context.generator was drawn from"),
    ("batch-independence", "target", broken("BatchNormaliser"), "in environment"),
    ("safe-state", "matrix", broken("Unsafe"), "state.config is a MappoConfig"),
    ("exact-resume", "mortal", broken("Forgetful"), "differ"),
    ("policy", "target", broken("Impostor"), "greedy actions differ"),
    ("agent-count", "mortal", broken("Lazy", "broken:NumberedConfig", count_free=True), "with 1: "),
    ("matrix-game", "matrix", broken("Lazy"), "it earns"),
    ("continuous-game", "target", broken("Lazy"), "it earns 0.6"),
    ("dead-agents", "ghost", broken("TeachesTheDead"), "does what is paid"),
    ("episode-ends", "terminated", broken("Endless"), "it quits at once"),
    ("episode-ends", "truncated", broken("Timeless"), "it quits at once"),
]


def subject(spec: AlgorithmSpec) -> Subject:
    return Subject(entry_of(spec), {"rollout_length": 8, "lr": 2e-3, "critic_lr": 2e-3, "width": 32})


@pytest.fixture
def unwise_presets(tmp_path, monkeypatch):
    package = tmp_path / "unwise_presets"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "presets.toml").write_text('[default]\nlr = 1e-3\n["smac:3m"]\nclip = 9.0\n')
    (package / "named.toml").write_text("[smac]\nclip = 0.1\n[presets.bold.smac]\nclip = 8.0\n")
    monkeypatch.syspath_prepend(str(tmp_path))


@pytest.mark.usefixtures("unwise_presets")
@pytest.mark.parametrize(
    ("name", "world", "spec", "message"), CASES, ids=[f"{case[0]}-{case[2].algorithm}" for case in CASES]
)
def test_a_broken_rule_is_found_and_explained(name, world, spec, message):
    with pytest.raises(ContractFailure) as failure:
        CHECKS[name](subject(spec), world)
    assert message in failure.value.happened
    assert failure.value.expected
    assert failure.value.guide == place(name)
    assert "\n" not in str(failure.value)


def test_an_earlier_check_does_not_hide_what_is_changed_in_a_later_one():
    changing = subject(broken("GlobalSetting"))
    before = np.geterr()
    CHECKS["metrics"](changing, "matrix")
    assert np.geterr() == before
    with pytest.raises(ContractFailure, match="numpy's handling of errors became"):
        CHECKS["global-state"](changing, "matrix")


def test_every_check_has_an_algorithm_that_breaks_it():
    assert {case[0] for case in CASES} == set(CHECKS)


def test_a_failure_names_the_line_and_the_words_of_its_section(monkeypatch, tmp_path):
    for name in CHECKS:
        path, _, line = place(name).rpartition(":")
        assert Path(path).read_text(encoding="utf-8").splitlines()[int(line) - 1] == f"### {name}"
    assert (
        explanation("presets")
        == "Every table of the presets holds settings that exist, with values in range."
    )
    assert (place("a-strangers-own"), explanation("a-strangers-own")) == (place(""), "")
    monkeypatch.chdir(tmp_path)
    assert place("presets").startswith(f"{guide_page('contract')}:")


def test_the_guide_explains_every_check():
    anchors = re.findall(r"^#+ ([a-z-]+)$", GUIDE.read_text(encoding="utf-8"), re.M)
    assert set(CHECKS) <= set(anchors)
    assert len(anchors) == len(set(anchors))


def test_a_single_file_may_import_what_it_wants():
    entry = entry_of(broken("Lazy", "broken:HeavyConfig"))
    plugin = dataclasses.replace(entry.plugin, distribution="broken.py")
    in_a_file = Subject(dataclasses.replace(entry, plugin=plugin))
    assert CHECKS["light-import"].reason_to_skip(in_a_file, "") == "a plug-in in a single file"


def test_what_is_not_claimed_is_not_asked_for():
    discrete = subject(broken("Lazy", continuous=False))
    assert CHECKS["legal-actions"].reason_to_skip(discrete, "target") == "continuous actions are not claimed"
    assert CHECKS["legal-actions"].reason_to_skip(discrete, "matrix") == ""
    assert CHECKS["agent-count"].reason_to_skip(discrete, "mortal") == "count_free is not claimed"


def test_quick_options_are_those_that_the_algorithm_has():
    entry = Registry.load().algorithm("mappo")
    options = quick_options(entry, ["lr=1e-3", "share_parameters=false"])
    assert options["lr"] == 1e-3
    assert options["share_parameters"] is False
    assert "decoder" not in options
