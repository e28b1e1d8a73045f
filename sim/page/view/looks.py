"""How the page looks: one sheet. Text on every ground has a contrast of 4.5 or more."""

STYLE = """
:root { --ink: #23272e; --soft: #4a515b; --line: #d5d9de; --ground: #ffffff; --shade: #f4f6f8; --blue: #0b62a4;
  --grey: #595f69; --red: #a3161b; --q-primary: #0b62a4; }
body { color: var(--ink); background: var(--ground); font-size: 14px; }
.head { background: var(--blue); color: #fff; min-height: 40px; padding: 4px 16px; gap: 16px; }
.head .name { font-size: 16px; font-weight: 600; white-space: nowrap; }
.head .scenario { color: #fff; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.head a.language { color: #fff; text-decoration: underline; white-space: nowrap; }
.head .narrow { color: #fff; border: 1px solid #fff; padding: 2px 8px; }
@media (min-width: 701px) { .narrow { display: none !important; } }
.side { background: var(--shade); padding: 10px 14px 24px; gap: 6px; overflow-x: hidden; }
.heading { font-size: 14px; font-weight: 600; line-height: 1.3; margin: 10px 0 2px; color: var(--ink); }
.buttons { gap: 6px; width: 100%; flex-wrap: nowrap; }
.buttons .q-btn { padding: 4px 10px; min-height: 32px; }
.fields { width: 100%; gap: 8px; flex-wrap: nowrap; }
.fields > * { flex: 1 1 0; min-width: 0; }
.lever { width: 100%; gap: 0; padding: 2px 0; }
.lever .line { width: 100%; display: flex; gap: 8px; align-items: baseline; justify-content: space-between; }
.lever .label { min-width: 0; overflow-wrap: anywhere; }
.lever .value { white-space: nowrap; font-variant-numeric: tabular-nums; color: var(--ink); font-weight: 600; }
.lever .source { font-size: 12px; color: var(--soft); line-height: 1.3; overflow-wrap: anywhere; }
.lever input { width: 100%; height: 22px; margin: 0; accent-color: var(--blue); cursor: pointer; }
.lever.turned .label { color: var(--blue); font-weight: 600; }
.panels .nicegui-link { color: var(--blue); text-decoration: underline; }
.soft { color: var(--soft); font-size: 12px; line-height: 1.35; }
.main { padding: 8px 12px; gap: 6px; }
.nicegui-content { padding: 0; }
.status { gap: 12px; }
.status .said { white-space: nowrap; font-weight: 600; }
.status .bar { flex: 1 1 60px; min-width: 40px; max-width: 260px; }
.status .digest { color: var(--soft); font-size: 12px; overflow: hidden; text-overflow: ellipsis; white-space: nowrap;
  flex: 1 1 0; min-width: 0; }
.mistake { color: var(--red); font-weight: 600; }
.mistake:empty { display: none; }
.tiles { gap: 8px; display: grid; grid-template-columns: repeat(auto-fit, minmax(180px, 1fr)); }
.tile { border: 1px solid var(--line); border-radius: 6px; padding: 6px 10px; gap: 0; min-width: 0; }
.tile .what { font-size: 12px; white-space: nowrap; overflow: hidden; text-overflow: ellipsis; width: 100%;
  color: var(--soft); line-height: 1.3; }
.tile .big { font-size: 18px; font-weight: 600; font-variant-numeric: tabular-nums; line-height: 1.4; }
.tile .both { font-size: 12px; color: var(--soft); line-height: 1.3; }
.tabs { border-bottom: 1px solid var(--line); width: 100%; }
.q-tab { min-height: 34px; padding: 0 10px; }
.q-tab--inactive { opacity: 1; color: var(--soft); }
.panels .q-tab-panel { padding: 6px 0; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(270px, 1fr)); gap: 8px; width: 100%; }
.chart { height: 212px; width: 100%; min-width: 0; }
.legend { gap: 20px; padding: 2px 4px; }
.legend .reference::before, .legend .arm::before { content: ""; display: inline-block; width: 26px; height: 0;
  margin-right: 8px; vertical-align: middle; border-top: 3px dashed var(--grey); }
.legend .arm::before { border-top: 3px solid var(--blue); }
.scroll { overflow-x: auto; width: 100%; }
.panels table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
.charts.two { grid-template-columns: repeat(auto-fit, minmax(380px, 1fr)); }
.who { min-width: min(420px, 100%); }
.sentence { font-size: 15px; font-weight: 600; line-height: 1.45; }
.command { font-family: ui-monospace, monospace; font-size: 12.5px; overflow-wrap: anywhere; user-select: all; }
.pre { white-space: pre-wrap; overflow-wrap: anywhere; }
.upload { width: min(420px, 100%); }
.lives { display: grid; grid-template-columns: repeat(auto-fit, minmax(280px, 1fr)); gap: 16px; width: 100%; }
.lives ol { margin: 4px 0; padding: 0; list-style: none; }
.lives li { padding: 2px 0 2px 10px; border-left: 3px solid var(--line); line-height: 1.35; }
.lives li.apart { border-left-color: var(--blue); }
.lives li { display: flex; gap: 6px; }
.lives li .when { flex: 0 0 76px; color: var(--soft); }
:focus-visible { outline: 3px solid var(--blue); outline-offset: 2px; }
.head :focus-visible { outline-color: #fff; }
@media (prefers-reduced-motion: reduce) { * { transition: none !important; animation: none !important; } }
"""
