"""From rows, chain and truth to the demo's report, and the report as people read it."""

from typing import Final

from rich.console import Console
from rich.table import Table

from core.domain.units import BASE_UNITS_PER_WH, kwh_from_wh, tokens_from_base_units
from core.domain.verdicts import Verdict
from core.store import outbox
from core.store import readings as reading_rows
from deploy.demo.options import DemoOptions
from deploy.demo.report import Audit, ChainWork, DemoReport, EnergyWh, LatencyMs, Readings, Tokens
from deploy.demo.run import Lived
from deploy.platform import Platform

LANDED: Final = "landed"
FAILED: Final = ("expired", "refused")


async def count(platform: Platform, options: DemoOptions, lived: Lived) -> DemoReport:
    """Read every figure from where it is kept, and audit."""
    truth: dict[str, tuple[int, int]] = {
        meter_id: (one.generation_wh, one.consumption_wh) for meter_id, one in lived.truth.meters.items()
    }
    audit = await platform.bridge.audit(truth)
    terms = audit.terms
    readings = await _readings(platform, lived)
    failures = list(audit.failures)
    if lived.still_waiting:
        failures.append(f"meters that never got a receipt: {', '.join(sorted(lived.still_waiting))}")
    if readings.missing:
        failures.append(f"{readings.missing} statements were never stored")
    return DemoReport(
        meters=options.meters,
        hours=options.hours,
        seed=options.seed,
        faults=options.faults,
        readings=readings,
        energy_wh=EnergyWh(
            truth_generation=lived.truth.generation_wh,
            truth_consumption=lived.truth.consumption_wh,
            attested_generation=terms["attested_generation"],
            attested_consumption=terms["attested_consumption"],
            net=terms["attested_net"],
        ),
        tokens=Tokens(
            minted=terms["minted_base_units"],
            burned=terms["burned_base_units"],
            owed=terms["owed"] * BASE_UNITS_PER_WH,
            unsettled=terms["unsettled"] * BASE_UNITS_PER_WH,
            retired=terms["retired_base_units"],
            lost=terms["lost_base_units"],
            supply=terms["supply_base_units"],
        ),
        chain=await _chain(platform, readings.accepted),
        latency_ms=LatencyMs(
            publish_to_mint_p50=platform.bridge.latency.percentile_ms(50) or 0,
            publish_to_mint_p95=platform.bridge.latency.percentile_ms(95) or 0,
        ),
        audit=Audit(ok=not failures, terms=terms, failures=failures),
    )


async def _readings(platform: Platform, lived: Lived) -> Readings:
    async with platform.store.read() as session:
        stored = await reading_rows.count_by_verdict(session)
    sent = lived.truth.total("stated")
    kept = {verdict: stored.get(verdict.value, 0) for verdict in Verdict}
    return Readings(
        sent=sent,
        accepted=kept[Verdict.ACCEPTED],
        repeated=_counted(platform, "gridtokenx_readings", verdict=Verdict.REPEATED.value),
        quarantined=kept[Verdict.QUARANTINED],
        rejected=kept[Verdict.REJECTED],
        missing=sent - sum(kept.values()),
        refused_copies=_counted(platform, "gridtokenx_refusals"),
    )


async def _chain(platform: Platform, accepted: int) -> ChainWork:
    async with platform.store.read() as session:
        totals = await outbox.totals(session)
    landed = totals.transactions(LANDED)
    return ChainWork(
        transactions=landed,
        failed=totals.transactions(*FAILED),
        compute_units_per_reading=totals.compute_units(LANDED) // accepted if accepted else 0,
        meters_per_transaction=round(totals.items(LANDED) / landed) if landed else 0,
    )


def _counted(platform: Platform, name: str, **labels: str) -> int:
    """A counter's sum over the labels that are not given."""
    return sum(
        int(sample.value)
        for metric in platform.metrics.registry.collect()
        if metric.name == name
        for sample in metric.samples
        if sample.name.endswith("_total") and labels.items() <= sample.labels.items()
    )


def show(report: DemoReport, console: Console) -> None:
    """Print the summary: readings, energy, tokens, and the equations with their numbers."""
    readings, energy, tokens, chain, terms = report.readings, report.energy_wh, report.tokens, report.chain, report.audit.terms
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_row(
        "readings",
        f"{readings.sent} sent = {readings.accepted} accepted + {readings.quarantined} quarantined"
        f" + {readings.rejected} rejected + {readings.missing} missing",
    )
    table.add_row("", f"{readings.repeated} repeats changed nothing, {readings.refused_copies} damaged copies were refused")
    table.add_row("energy", f"generated {_kwh(energy.truth_generation)}, of it attested {_kwh(energy.attested_generation)}")
    table.add_row("", f"consumed {_kwh(energy.truth_consumption)}, of it attested {_kwh(energy.attested_consumption)}")
    table.add_row(
        "ledger",
        f"net {_kwh(energy.net)} = minted {_kwh(terms['minted'])} − burned {_kwh(terms['burned'])}"
        f" − owed {_kwh(terms['owed'])} + unsettled {_kwh(terms['unsettled'])}",
    )
    gap = energy.truth_generation - energy.truth_consumption - energy.net
    table.add_row(
        "truth",
        f"truth − attested {_kwh(gap)} = held {_kwh(terms['held_in_quarantine'])}"
        f" + refused or missing {_kwh(terms['refused_or_missing'])}"
        f" + after the last accepted {_kwh(terms['after_last_accepted'])}"
        f" + accepted, not attested yet {_kwh(terms['accepted_not_attested_yet'])}",
    )
    table.add_row(
        "tokens",
        f"supply {_grid(tokens.supply)} = minted {_grid(tokens.minted)} − burned {_grid(tokens.burned)}"
        f" − retired {_grid(tokens.retired)} − lost {_grid(tokens.lost)}",
    )
    table.add_row(
        "chain",
        f"{chain.transactions} transactions, {chain.failed} failed,"
        f" {chain.meters_per_transaction} meters a transaction, {chain.compute_units_per_reading} compute units a reading",
    )
    table.add_row(
        "latency",
        f"publish to mint: half within {report.latency_ms.publish_to_mint_p50} ms,"
        f" 95 % within {report.latency_ms.publish_to_mint_p95} ms",
    )
    console.print(table)
    if report.audit.ok:
        console.print("[bold green]It adds up to the watt-hour.[/]")
    for failure in report.audit.failures:
        console.print(f"[bold red]It does not add up:[/] {failure}")


def _kwh(wh: int) -> str:
    return f"{kwh_from_wh(wh)} kWh"


def _grid(base_units: int) -> str:
    return f"{tokens_from_base_units(base_units):f} GRID"
