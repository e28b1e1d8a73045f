"use strict";
(() => {
  const at = id => document.getElementById(id);
  const told = JSON.parse(at("levers-points").textContent);
  const words = told.words, kpi = at("lever-kpi");
  const fill = (text, given) => text.replace(/\{(\w+)\}/g, (_, name) => given[name]);
  const levers = told.factors.map((factor, number) => ({
    factor, slider: at("lever-" + number), all: at("lever-" + number + "-all"), out: at("lever-" + number + "-said"),
  }));

  // A number as the page writes it: thousands apart, a true minus, never "-0".
  const write = (value, decimals, signed) => {
    const text = Math.abs(value).toLocaleString("en-US", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
    if (!/[1-9]/.test(text)) return text;
    return (value < 0 ? "\u2212" : signed ? "+" : "") + text;
  };
  const width = (half, decimals) => {  // a half width too small for its decimals is not none
    const text = write(half, decimals, false);
    return /[1-9]/.test(text) || half === 0 ? text : "<" + write(10 ** -decimals, decimals, false);
  };
  const say = lever => {
    const { factor, slider } = lever, place = Number(slider.value), low = Math.floor(place);
    if (place === low) return factor.stops[low];
    const between = factor.values[low] + (place - low) * (factor.values[low + 1] - factor.values[low]);
    const text = Number(between.toPrecision(4)).toLocaleString("en-US", { maximumFractionDigits: 12 });
    return (text.replace("-", "\u2212") + " " + factor.unit).trim();
  };

  // The computed points at the corners around a setting, with the weight of each corner.
  const corners = () => {
    const found = new Map(), fixed = levers.map((one, number) => one.all.checked ? -1 : number).filter(n => n >= 0);
    let wanted = 1;
    for (const number of fixed) if (Number(levers[number].slider.value) % 1) wanted *= 2;
    told.codes.forEach((codes, point) => {
      let weight = 1;
      for (const number of fixed) weight *= Math.max(0, 1 - Math.abs(Number(levers[number].slider.value) - codes[number]));
      if (weight < 1e-9) return;
      const key = fixed.map(number => codes[number]).join();
      if (!found.has(key)) found.set(key, { weight, points: [] });
      found.get(key).points.push(point);
    });
    return found.size < wanted ? [] : [...found.values()];
  };
  const mean = values => values.reduce((sum, one) => sum + one, 0) / values.length;
  const known = values => values.filter(one => one !== null);

  // An arm at a setting: mean over corners of the means of their points, and the same seed by seed for the interval.
  const outcome = (values, at, figure) => {
    const means = at.map(corner => corner.points.map(point => known(values[point])).filter(one => one.length).map(mean));
    if (!means.length || means.some(one => !one.length)) return null;
    const value = at.reduce((sum, corner, n) => sum + corner.weight * mean(means[n]), 0);
    const seeds = [];
    for (let seed = 0; seed < values[0].length; seed++) {
      const parts = at.map(corner => known(corner.points.map(point => values[point][seed])));
      if (parts.every(one => one.length)) seeds.push(at.reduce((sum, corner, n) => sum + corner.weight * mean(parts[n]), 0));
    }
    const centre = mean(seeds), many = seeds.length;
    const half = many > 1 ? told.t[many] * Math.sqrt(seeds.reduce((sum, one) => sum + (one - centre) ** 2, 0) / (many - 1) / many) : NaN;
    const flat = means.flat(), sign = figure.better || 1;
    const paying = flat.filter(one => sign * (one - figure.threshold) > 0).length;
    return { value, half, low: Math.min(...flat), high: Math.max(...flat), paying, points: flat.length };
  };
  const verdict = (found, figure) => {
    if (!told.reference || !figure.better) return "";
    if (Number.isNaN(found.half)) return words.one_seed;
    const gain = figure.better * (found.value - figure.threshold);
    return Math.abs(gain) <= found.half ? words.unclear : gain > 0 ? words.better : words.worse;
  };
  const bar = (found, low, high) => {
    const x = value => (100 * (value - low) / (high - low || 1)).toFixed(1), half = found.half || 0;
    const [a, b] = [found.value - half, found.value + half];
    return `<svg viewBox="-4 0 108 16" width="110" height="16" aria-hidden="true"><line x1="${x(0)}" x2="${x(0)}" y1="0" y2="16" class="zero"/><line x1="${x(a)}" x2="${x(b)}" y1="8" y2="8" class="between"/><circle cx="${x(found.value)}" cy="8" r="3.5"/></svg>`;
  };

  const draw = () => {
    const figure = told.kpis[kpi ? kpi.value : 0], around = corners();
    const setting = levers.filter(one => !one.all.checked).map(one => fill(words.at, { name: one.factor.name, value: say(one) }));
    for (const one of levers) {
      const text = one.all.checked ? words.all : say(one);
      one.out.value = text;
      one.slider.setAttribute("aria-valuetext", text);
      one.slider.classList.toggle("averaged", one.all.checked);
    }
    const many = around.reduce((sum, corner) => sum + corner.points.length, 0);
    const where = setting.length ? setting.join(words.joint) : words.anywhere;
    const found = figure.values.map(values => outcome(values, around, figure));
    const there = found.filter(one => one !== null), rows = at("levers-answer").tBodies[0];
    const counts = { where, points: many.toLocaleString("en-US"), corners: around.length };
    at("levers-said").textContent = fill(!there.length ? words.nothing : around.length > 1 ? words.interpolated : many === 1 ? words.one_point : words.computed, counts);
    at("levers-answer").caption.textContent = fill(told.reference ? words.difference : words.level, { name: figure.name, unit: figure.unit, reference: told.reference });
    rows.replaceChildren();
    const ends = there.flatMap(one => [one.value - (one.half || 0), one.value + (one.half || 0)]).concat(0);
    found.forEach((one, number) => {
      const row = rows.insertRow(), head = document.createElement("th");
      head.scope = "row"; head.textContent = told.arms[number] || words.bank; row.append(head);
      const cell = (text, look) => { const made = row.insertCell(); made.textContent = text; if (look) made.className = look; return made; };
      if (one === null) { cell(words.unknown, "word").colSpan = 5; return; }
      const sure = verdict(one, figure), clear = sure === words.better || sure === words.worse;
      cell(sure, "word");
      const text = write(one.value, figure.decimals, figure.signed);
      cell(Number.isNaN(one.half) ? text : `${text} \u00b1 ${width(one.half, figure.decimals)}`, clear ? "clear" : "");
      const drawn = cell("", "wide"); drawn.setAttribute("aria-hidden", "true"); drawn.innerHTML = bar(one, Math.min(...ends), Math.max(...ends));
      cell(one.points > 1 ? fill(words.span, { low: write(one.low, figure.decimals, figure.signed), high: write(one.high, figure.decimals, figure.signed) }) : "\u2013");
      cell(told.reference && figure.better ? fill(words.of, { part: one.paying.toLocaleString("en-US"), whole: one.points.toLocaleString("en-US") }) : "\u2013");
    });
  };
  for (const one of levers) {
    one.slider.addEventListener("input", () => { one.all.checked = false; draw(); });
    one.all.addEventListener("change", draw);
  }
  if (kpi) kpi.addEventListener("change", draw);
  at("levers-reset").addEventListener("click", () => { for (const one of levers) one.all.checked = true; draw(); });
  at("levers-panel").hidden = false;
  draw();
})();
