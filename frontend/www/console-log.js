/**
 * The messages of one channel: what is kept, how it is shown.  Bounded in lines
 * and bytes; many messages at once are shown together.
 */
import { bytes, element, number, plural, setText, short }
  from '/console-dom.js';

const LINES = 500, KEPT_BYTES = 16 * 1024 * 1024;
const TEXT_SHOWN = 2000, HEX_SHOWN = 64, FLUSH_MS = 60;
const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit',
  minute: '2-digit', second: '2-digit', hour12: false });

const hex = (data) => Array.from(data, (b) => b.toString(16).padStart(2, '0'))
  .join(' ');

/** Which of the eight colours a member has. */
export const hue = (id) => Number(BigInt(id) % 8n);

function save(data, channel, time) {
  const stamp = time.toISOString().replace(/[-:]|\..*/g, '');
  const url = URL.createObjectURL(new Blob([data]));
  element('a', { href: url, download: `${channel}-${stamp}.bin` }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60000);
}

export class Log {
  /** box: the element with role log; newer: the button to its end. */
  constructor(channel, box, newer) {
    Object.assign(this, { channel, box, newer, pending: [], kept: 0 });
    this.list = box.querySelector('ol');
    this.empty = box.querySelector('.empty');
    this.came = 0;
    this.went = 0;
    newer.addEventListener('click', () => {
      this.toEnd();
      box.focus();
    });
    box.addEventListener('scroll', () => {
      if (this.atEnd())
        newer.hidden = true;
    });
  }

  atEnd() {
    const { box } = this;
    return box.scrollHeight - box.scrollTop - box.clientHeight < 48;
  }

  toEnd() {
    this.box.scrollTop = this.box.scrollHeight;
    this.newer.hidden = true;
  }

  /** { from, direct, to, data }: text, or bytes; own ones have no from. */
  message(m) {
    this.#add({ ...m, time: new Date() });
  }

  note(text, level = 'note') {
    this.#add({ note: text, level, time: new Date() });
  }

  /** Members come and go in crowds: said together. */
  presence(id, here) {
    if (here)
      this.came++;
    else
      this.went++;
    this.lastId = id;
    this.#later();
  }

  #add(m) {
    this.pending.push(m);
    if (this.pending.length > LINES)
      this.pending.shift();
    // So that a note is where it belongs among the messages.
    if (this.came + this.went > 0)
      this.pending.splice(-1, 0, ...this.#crowd());
    this.#later();
  }

  #crowd() {
    const { came, went, lastId } = this, time = new Date(), out = [];
    const said = (n, one, many) => n === 1 && came + went === 1
      ? `${short(lastId)} ${one}` : `${plural(n, 'member')} ${many}`;
    if (came > 0)
      out.push({ note: said(came, 'came', 'came'), level: 'came', time });
    if (went > 0)
      out.push({ note: said(went, 'left', 'left'), level: 'left', time });
    this.came = this.went = 0;
    return out;
  }

  #later() {
    this.timer ??= setTimeout(() => this.#flush(), FLUSH_MS);
  }

  #flush() {
    this.timer = undefined;
    this.pending.push(...this.#crowd());
    const stay = this.atEnd(), items = this.pending.splice(0).slice(-LINES);
    this.list.append(...items.map((m) => this.#line(m)));
    while (this.list.childElementCount > LINES)
      this.#forget(this.list.firstElementChild).remove();
    for (let e = this.list.firstElementChild; e && this.kept > KEPT_BYTES;
      e = e.nextElementSibling)
      this.#forget(e);
    this.empty.hidden = true;
    if (stay)
      this.toEnd();
    else
      this.newer.hidden = false;
  }

  /** What a line keeps besides what it shows: bytes, or a long text. */
  #keep(line, data) {
    line.data = data;
    this.kept += data.length;
  }

  #forget(line) {
    if (line.data) {
      this.kept -= line.data.length;
      line.data = null;
      const button = line.querySelector('button');
      if (button) {
        button.disabled = true;
        setText(button, 'No longer kept');
      } else
        line.querySelector('.body').textContent = 'No longer kept';
    }
    return line;
  }

  #line(m) {
    const time = element('time', { datetime: m.time.toISOString() },
      clock.format(m.time));
    if (m.note !== undefined)
      return element('li', { class: `note ${m.level}` }, time,
        element('p', {}, m.note));
    const line = element('li', { class: m.from ? 'in' : 'out' }, time,
      this.#who(m));
    line.append(typeof m.data === 'string' ? this.#text(line, m.data)
      : this.#bytes(line, m));
    return line;
  }

  #who({ from, direct, to }) {
    const who = element('span', { class: from ? `who hue-${hue(from)}` : 'who',
      title: from }, from ? short(from) : 'you');
    const p = element('p', { class: 'head' }, who);
    if (direct)
      p.append(element('span', { class: 'tag' },
        from ? 'to you alone' : `to ${short(to)} alone`));
    return p;
  }

  #text(line, text) {
    const body = element('p', { class: 'body' }, text.slice(0, TEXT_SHOWN));
    if (text === '')
      return element('p', { class: 'body nothing' }, '(empty)');
    if (text.length <= TEXT_SHOWN)
      return body;
    const all = element('button', { type: 'button' },
      `Show all ${number(text.length)} characters`);
    this.#keep(line, text);
    all.addEventListener('click', () => {
      body.textContent = line.data;
      body.tabIndex = -1;
      body.focus();
    });
    body.append('…', all);
    return body;
  }

  #bytes(line, m) {
    const { data, time } = m;
    const button = element('button', { type: 'button' }, 'Download');
    this.#keep(line, data);
    button.addEventListener('click', () => line.data
      && save(line.data, this.channel, time));
    return element('div', { class: 'body binary' },
      element('p', {}, element('span', { class: 'tag' }, 'binary'),
        ` ${bytes(data.length)} `, button),
      element('code', {}, hex(data.subarray(0, HEX_SHOWN))
        + (data.length > HEX_SHOWN ? ' …' : '')));
  }
}
