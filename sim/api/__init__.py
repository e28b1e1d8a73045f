"""The library behind `import sim`: what the command line does, as Python objects.

>>> import sim
>>> small = {"population.agents": 2000, "burn_in": 3}
>>> run = sim.run("scenarios/baseline.yaml", seeds=3, months=24, arms=["nothing", "digital_thinking"], values=small)
>>> run
<Run baseline: 2 arms x 3 seeds x 24 months>
>>> run.summary.columns.to_list()
['arm', 'kpi', 'unit', 'mean', 'sd', 'ci_low', 'ci_high', 'seeds']
>>> sorted(set(run.comparison["arm"])), run.monthly.attrs["units"]["aum"]
(['digital_thinking'], 'CNY')
>>> run.plot("forest")  # doctest: +ELLIPSIS
<Figure size ... with ... Axes>
>>> page = run.report()  # in a notebook it shows itself
>>> old = sim.open_run(run.folder)
>>> old.manifest["result_digest"] == run.manifest["result_digest"]
True
>>> bank = sim.Bank("scenarios/quick.yaml", arm="nothing", seed=1)  # step by step, as Mesa users expect
>>> bank.step()
>>> bank.customers.frame(["tier", "aum", "satisfaction"]).shape[1], len(bank.managers.frame()) > 0
(3, True)
>>> bank.collect(lambda b: b.month, months=2)["value"].to_list()
[1, 2, 3]
>>> few = {"sweep.levers.vary": {"managers.span.affluent": {"values": [600, 800]}}, "sweep.uncertainties.samples": 2}
>>> sweep = sim.sweep("scenarios/sweep_training.yaml", values=small | few, months=2, seeds=1)  # workers=2: processes
>>> sweep.tasks["npv"].notna().all().item()
True
>>> sim.run("scenarios/quik.yaml")
Traceback (most recent call last):
    ...
sim.errors.BadInput: scenarios/quik.yaml  no such file; did you mean "quick.yaml"?
"""
