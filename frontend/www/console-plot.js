/**
 * Small plots over the last two minutes, less at first.  Lines are SVG; numbers
 * are text beside them, so that they can be read without seeing the lines.
 */
import { age, element, setText } from '/console-dom.js';

const SPAN_MS = 120000, FIRST_MS = 30000, WIDTH = 240, HEIGHT = 56;
const NS = 'http://www.w3.org/2000/svg';

function svg(tag, attributes) {
  const e = document.createElementNS(NS, tag);
  for (const [name, value] of Object.entries(attributes))
    e.setAttribute(name, value);
  return e;
}

/** The end of an axis: 1, 2 or 5 times a power of ten, of KiB and so on. */
function nice(max, isBytes) {
  const unit = isBytes ? 1024 ** Math.max(0, Math.floor(Math.log2(max) / 10))
    : 1;
  const ten = 10 ** Math.floor(Math.log10(max / unit));
  return [1, 2, 5, 10].find((n) => n * ten >= max / unit) * ten * unit;
}

/** Samples of several series over time. */
export class Series {
  samples = [];         // { time, values }, oldest first

  /** A value that is not known is null. */
  add(time, values) {
    this.begun ??= time;
    this.samples.push({ time, values });
    while (this.samples[0].time < time - SPAN_MS)
      this.samples.shift();
  }

  last(i) {
    return this.samples.at(-1)?.values[i] ?? null;
  }

  max() {
    return this.samples.reduce((m, s) => Math.max(m, ...s.values
      .map((v) => v ?? 0)), 0);
  }

  /** The time from one side to the other. */
  span(now) {
    return Math.max(FIRST_MS, Math.min(SPAN_MS, now - this.begun));
  }

  /** The path of one series; where samples are missing it has a gap. */
  path(i, top, now) {
    let d = '', before = -Infinity;
    for (const { time, values } of this.samples) {
      if (values[i] === null || values[i] === undefined)
        continue;
      const x = WIDTH * (1 - (now - time) / this.span(now));
      const y = HEIGHT - 2 - (HEIGHT - 4) * values[i] / top;
      d += `${time - before > 5000 ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}`;
      before = time;
    }
    return d;
  }
}

/** Lines alone, for a row of a list. */
export class Spark {
  /** names: what each series is called, which is its class, too. */
  constructor(names) {
    this.series = new Series();
    this.names = names;
    this.lines = names.map((_, i) => svg('path',
      { class: `line line-${i}`, 'vector-effect': 'non-scaling-stroke' }));
    this.element = svg('svg', { class: 'spark', role: 'img',
      viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none' });
    this.element.append(svg('path', { class: 'base',
      d: `M0 ${HEIGHT - 1}H${WIDTH}`, 'vector-effect': 'non-scaling-stroke' }),
    ...this.lines);
  }

  /** Draws what was added; returns the value at the top. */
  draw(now, label, isBytes = false) {
    const top = nice(this.series.max() || 1, isBytes);
    this.lines.forEach((line, i) => line.setAttribute('d',
      this.series.path(i, top, now)));
    this.element.setAttribute('aria-label', label);
    return top;
  }
}

/** A plot with a title, the numbers of now, and a scale. */
export class Plot {
  constructor(title, names, format, isBytes) {
    Object.assign(this, { title, names, format, isBytes,
      spark: new Spark(names) });
    this.now = names.map(() => element('span', { class: 'value' }, '–'));
    this.top = element('span', { class: 'top', 'aria-hidden': 'true' });
    this.element = element('figure', { class: 'plot' },
      element('figcaption', {}, element('span', { class: 'title' }, title),
        element('span', { class: 'values' }, ...names.map((name, i) =>
          element('span', { class: `key key-${i}` }, this.now[i],
            element('span', { class: 'of' }, name))))),
      this.top, this.spark.element);
  }

  add(time, values) {
    this.spark.series.add(time, values);
    const text = values.map((v) => v === null ? '–' : this.format(v));
    this.now.forEach((e, i) => setText(e, text[i]));
    const span = age(this.spark.series.span(time) / 1000);
    const top = this.spark.draw(time, `${this.title}, the last ${span}: `
      + `now ${this.names.map((n, i) => `${text[i]} ${n}`).join(', ')}; `
      + 'at most ' + this.format(this.spark.series.max()), this.isBytes);
    setText(this.top, `${span}, to ${this.format(top)}`);
  }
}
