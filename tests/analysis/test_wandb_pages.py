"""The workspace and the report page of a study: the specification that the library makes, without a server."""

import json
from dataclasses import replace

import pytest

from nsp_ablation.base.fingerprint import fingerprint
from nsp_ablation.options.output_options import ComparisonOptions, ReportOptions
from nsp_ablation.reporting.analysis.make_report import load_report
from nsp_ablation.reporting.dashboards.finished_run import record_run_id
from nsp_ablation.reporting.dashboards.report_run import report_run
from nsp_ablation.reporting.dashboards.saved_pages import save_pages
from nsp_ablation.reporting.dashboards.wandb_pages import WandbPages
from nsp_ablation.reporting.records.curve_file import CurvePoint, KeptCurve, keep_curve

pytest.importorskip("wandb_workspaces")
pytestmark = pytest.mark.filterwarnings("ignore:Pydantic V1:DeprecationWarning")  # wandb-workspaces 0.4's own
SEEDS = (1, 2)
ENCODERS = {"full": ["full1", "full2"], "doc": ["doc1", "doc2"]}


@pytest.fixture
def study(results):
    """Two arms of two seeds, with learning curves, and an untrained encoder, which has no run of its own."""
    results.ids = []
    for name, keys in ENCODERS.items():
        for seed, key in zip(SEEDS, keys, strict=True):
            condition = {"format": name, "name": name}
            results.ids.append(results.add(seed=seed, path=f"encoders/{key}", condition=condition, score=0.1 * seed))
            keep_curve(results.folder.path, key, KeptCurve([CurvePoint(5, 50, {"mlm_loss": 3.0})], ["a"]))
    results.ids.append(results.add(arm="random", path="encoders/none", condition={"format": None, "name": "random"}))
    return results


def report_of(results, **info):
    return load_report(results.folder.path, "table2/micro", ReportOptions(**info))


@pytest.fixture
def report(study):
    return report_of(study, comparisons=[ComparisonOptions("full", "doc")], title="Formats", question="Which format?")


def nodes(value):
    """Yield every object within JSON values."""
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from nodes(one)


def spec_of(made):
    return json.loads(made._to_model().spec.model_dump_json(by_alias=True, exclude_none=True))


def plots(spec):
    """Return the panels of curves by their titles."""
    found = [one for one in nodes(spec) if one.get("viewType") == "Run History Line Plot"]
    return {one["config"]["chartTitle"]: one["config"] for one in found}


def filtered_ids(runset):
    """Return the ids of runs that a set of runs is filtered by."""
    (one,) = [one for one in nodes(runset["filters"]) if one.get("op") == "IN"]
    assert one["key"] == {"section": "run", "name": "name"}  # as wandb calls the id of a run
    return one["value"]


def texts(spec):
    return "\n".join(
        str(one.get("text", one.get("content", ""))) for one in nodes(spec) if {"text", "content"} & one.keys()
    )


def test_the_workspace_shows_loss_by_tokens_grouped_by_arm_with_every_seed(report):
    spec = spec_of(WandbPages(report, "team", "p").workspace())
    mean, single, by_updates = [one for one in plots(spec).values() if one["metrics"] == ["pretraining/mlm_loss"]]
    assert (mean["xAxis"], single["xAxis"], by_updates["xAxis"]) == ("tokens", "tokens", "update")
    assert (mean["groupBy"], mean["groupAgg"], mean["groupArea"]) == ("condition.value.name", "mean", "samples")
    assert "groupBy" not in single
    assert mean["limit"] == single["limit"] == 4


def test_the_workspace_holds_the_runs_of_the_study_and_no_others(study, report):
    spec = spec_of(WandbPages(report, "team", "p").workspace())
    (runs,) = spec["section"]["runSets"]
    expected = [*ENCODERS["full"], *ENCODERS["doc"], *map(record_run_id, study.ids), report_run(report).names.id]
    assert sorted(filtered_ids(runs)) == sorted(expected)
    assert runs["grouping"] == []  # else no panel shows a seed alone
    colours = spec["section"]["customRunColors"]
    assert colours["full1"] == colours["full2"] != colours["doc1"]


def test_arms_of_one_name_are_told_apart_by_all_their_settings(study):
    study.add(
        seed=1, path="encoders/other", condition={"name": "full", "learning_rate": 1e-3}, science=fingerprint("x")
    )
    pages = WandbPages(report_of(study), "team", "p")
    mean = next(iter(plots(spec_of(pages.workspace())).values()))
    assert mean["groupBy"] == "science.value"


def test_a_loss_of_pairs_and_curves_have_panels_where_they_were_measured(study, report):
    found = {
        name for one in plots(spec_of(WandbPages(report, "e", "p").workspace())).values() for name in one["metrics"]
    }
    assert found == {"pretraining/mlm_loss", "evaluation/mlm_loss"}
    study.add(seed=1, path="encoders/pair1", condition={"format": "segment_pair", "objective": "mlm_nsp"})
    pages = WandbPages(report_of(study), "e", "p")
    found = {name for one in plots(spec_of(pages.workspace())).values() for name in one["metrics"]}
    assert "pretraining/pair_loss" in found


def test_the_page_holds_question_answer_loss_forest_plot_and_table(report):
    page = WandbPages(report, "team", "p").page()
    spec = spec_of(page)
    shown = texts(spec)
    assert (page.title, page.entity, page.project) == ("Formats", "team", "p")
    assert "Which format?" in shown
    assert "| FULL-SENTENCES |" in shown
    grids = [one for one in nodes(spec) if one.get("type") == "panel-grid"]
    by_name = {one["metadata"]["runSets"][0]["name"]: filtered_ids(one["metadata"]["runSets"][0]) for one in grids}
    assert by_name == {"encoders": [*ENCODERS["full"], *ENCODERS["doc"]], "report": [report_run(report).names.id]}
    media = [one["config"]["mediaKeys"] for one in nodes(spec) if one.get("viewType") == "Media Browser"]
    assert [keys[0] for keys in media] == ["figures/comparisons"]
    assert {f"figures/{name}" for name in report_run(report).figures} == {*media[0]}
    assert any(metrics["metrics"] == ["pretraining/mlm_loss"] for metrics in plots(spec).values())


def test_a_study_without_encoders_of_ours_and_without_a_plan_has_its_table(results):
    results.add(arm="external", path="roberta-base", condition={"format": None, "name": "roberta-base"}, seed=None)
    pages = WandbPages(report_of(results), "team", "p")
    assert plots(spec_of(pages.page())) == plots(spec_of(pages.workspace())) == {}
    assert "roberta-base" in texts(spec_of(pages.page()))


def test_a_long_title_is_cut_to_what_wandb_takes(report):
    title = "x" * 400
    assert WandbPages(replace(report, title=title), "team", "p").page().title == title[:128]


class Page:
    """A page whose server is a dictionary."""

    server: dict = {}

    def __init__(self, blocks, url=None):
        self.blocks, self.url = blocks, url

    @classmethod
    def from_url(cls, url):
        if url not in cls.server:
            raise ValueError(f"{url} is gone")
        return cls(cls.server[url], url)

    def save(self):
        self.url = self.url or f"{type(self).__name__}-{len(self.server)}"
        self.server[self.url] = self.blocks


class Pages:
    def __init__(self, content):
        self.content = content

    def workspace(self):
        return Page(self.content)

    page = workspace


def test_pages_are_saved_a_second_time_in_the_place_of_the_first(tmp_path, monkeypatch):
    monkeypatch.setattr(Page, "server", {})
    parts = ("blocks",)
    monkeypatch.setattr("nsp_ablation.reporting.dashboards.saved_pages._OF_WORKSPACE", parts)
    monkeypatch.setattr("nsp_ablation.reporting.dashboards.saved_pages._OF_PAGE", parts)
    first = save_pages(Pages("a"), tmp_path / "kept.json")
    assert save_pages(Pages("b"), tmp_path / "kept.json") == first
    assert Page.server == dict.fromkeys(first.values(), "b")
    del Page.server[first["workspace"]]  # by somebody on the server
    later = save_pages(Pages("c"), tmp_path / "kept.json")
    assert later["report page"] == first["report page"]
    assert {*Page.server.values()} == {"c"}
