/**
 * One channel that this page is on: its members, its messages, and what is
 * sent.
 */
import { NetworkWebSocket } from '/nws.mjs';
import { bounded, bytes, element, plural, rate, say, setText, short, sync }
  from '/console-dom.js';
import { Log, hue } from '/console-log.js';
import { snippet } from '/console-snippets.js';

const PEERS_SHOWN = 200;
/** What nwsd takes where nwsd.conf says nothing else, with its envelope. */
const USUAL_MAX = 256 * 1024 - 9;

/** Text as JSON that is sent as it was typed, its numbers, too. */
function parse(text) {
  return JSON.parse(text, (_, value, context) => typeof value === 'number'
    && context?.source && JSON.rawJSON ? JSON.rawJSON(context.source) : value);
}

/** Bytes of pairs of hex digits, with spaces, colons or 0x between. */
function unhex(text) {
  const digits = text.replace(/0x|[\s:,]/gi, '');
  if (!/^([0-9a-f]{2})+$/i.test(digits))
    throw new Error('Hex is pairs of the digits 0-9 and a-f, such as 48 65.');
  return Uint8Array.from(digits.match(/../g), (d) => Number.parseInt(d, 16));
}

const hints = {
  text: 'Enter sends, Shift and Enter begins a new line.',
  json: 'Any JSON value: {"x": 1}, [1, 2], 42, "text".',
  hex: 'Bytes as hex digits, with or without spaces.',
  file: 'The content of the file is sent, as one message.',
};

export class Channel {
  unread = 0;
  open = false;

  /** changed(): unread messages or the state are others now. */
  constructor(name, changed) {
    Object.assign(this, { name, changed });
    this.element = document.getElementById('channel-template').content
      .cloneNode(true).firstElementChild;
    const find = (s) => this.element.querySelector(s);
    this.title = find('h1');
    this.title.textContent = name;
    this.element.setAttribute('aria-label', `Channel ${name}`);
    Object.assign(this, { state: find('.state'), form: find('.composer'),
      to: find('.to'), input: find('textarea'), file: find('[type=file]'),
      hint: find('.hint'), problem: find('.problem') });
    find('.log').setAttribute('aria-label', `Messages on ${name}`);
    this.log = new Log(name, find('.log'), find('.newer'));
    this.members = find('.members');
    this.#listen(find('.leave'), find('.snippets'));
    this.#join();
  }

  /* ----------------------------------------------------------- the channel */

  #join() {
    const ws = this.ws = new NetworkWebSocket(this.name, [],
      { server: location.origin });
    ws.binaryType = 'arraybuffer';
    this.#state('Connecting');
    ws.onopen = () => {
      this.failed = undefined;
      this.#state(`Connected as ${ws.id}`, 'ok');
      this.#peers();
    };
    ws.onmessage = (e) => this.#message(e);
    ws.onconnect = ({ detail: { target: peer } }) => {
      peer.onmessage = (e) => this.#message(e);
      this.#presence(peer.id, true);
    };
    ws.ondisconnect = ({ detail: { target: peer } }) =>
      this.#presence(peer.id, false);
    ws.onerror = ({ error }) => this.#failure(error);
    ws.onreconnecting = ({ detail: { delay, error } }) =>
      this.#wait(delay, error);
    ws.onclose = () => this.#state('Closed. Leave, and join again.', 'failure');
  }

  leave() {
    clearInterval(this.waiting);
    this.ws.close();
    this.element.remove();
  }

  #state(text, level = 'warning') {
    clearInterval(this.waiting);
    this.level = level;
    this.state.dataset.level = level;
    setText(this.state, text);
    this.changed();
  }

  /** Each attempt to connect may fail for the same reason: said once. */
  #failure({ message }) {
    if (this.level === 'ok' || this.failed !== message)
      this.log.note(message, 'failure');
    this.failed = message;
  }

  #wait(delay, error) {
    if (error.code === 'lost')
      this.#failure(error);   // the others came as errors
    if (delay === Infinity) {
      this.#state(error.message, 'failure');
      return;
    }
    const end = performance.now() + delay;
    const tick = () => setText(this.state, 'Not connected; trying again in '
      + `${Math.max(0, Math.ceil((end - performance.now()) / 1000))} s`);
    this.#state('', 'warning');
    tick();
    this.waiting = setInterval(tick, 1000);
  }

  #message({ senderId, direct, data }) {
    this.log.message({ from: senderId, direct,
      data: typeof data === 'string' ? data : new Uint8Array(data) });
    if (!this.open) {
      this.unread++;
      this.changed();
    }
  }

  #presence(id, here) {
    this.log.presence(id, here);
    this.redraw ??= setTimeout(() => {
      this.redraw = undefined;
      this.#peers();
    }, 60);
  }

  /* ----------------------------------------------------------- who is here */

  #peers() {
    const find = (s) => this.members.querySelector(s), { peers } = this.ws;
    const shown = bounded(peers, PEERS_SHOWN, find('.more'));
    setText(find('h2'), peers.length === 0 ? 'Others here'
      : plural(peers.length, 'other', 'others') + ' here');
    find('.empty').hidden = peers.length > 0;
    sync(find('ul'), shown, (p) => p.id, ({ id }) => {
      const button = element('button', { type: 'button',
        title: `Write to ${id} alone` },
      element('span', { class: `who hue-${hue(id)}` }, short(id)),
      element('span', { class: 'id' }, id));
      button.addEventListener('click', () => {
        this.to.value = id;
        this.input.focus();
        say(`To ${short(id)} alone`);
      });
      return element('li', {}, button);
    }, () => {});
    this.#choices(shown);
  }

  /** To whom may be sent. */
  #choices(peers) {
    const chosen = this.to.value, options = [{ id: '' }, ...peers];
    // Who was chosen and is gone stays: better to nobody than to everyone.
    const gone = chosen && !peers.some((p) => p.id === chosen);
    if (gone)
      options.push({ id: chosen });
    sync(this.to, options, (p) => p.id, ({ id }) =>
      element('option', { value: id }), (option, { id }) =>
      setText(option, id === '' ? 'everyone' : short(id)
        + (gone && id === chosen ? ', who left' : '')));
    this.to.value = chosen;
  }

  /* --------------------------------------------------------------- sending */

  #listen(leave, snippets) {
    this.#choices([]);
    leave.addEventListener('click', () => this.onleave());
    this.form.addEventListener('submit', (e) => {
      e.preventDefault();
      this.#send();
    });
    this.form.addEventListener('change', () => this.#form());
    this.input.addEventListener('keydown', (e) => {
      if (e.key === 'Enter' && !e.shiftKey && !e.isComposing) {
        e.preventDefault();
        this.form.requestSubmit();
      }
    });
    snippets.addEventListener('submit', (e) => e.preventDefault());
    const code = snippets.querySelector('code');
    const show = () => setText(code, snippet(snippets.elements.language.value,
      location.origin, this.name));
    snippets.addEventListener('change', show);
    show();
    const copy = snippets.querySelector('.copy');
    copy.addEventListener('click', () => this.#copy(copy, code));
  }

  #form() {
    const kind = this.form.elements.form.value, { files: [file] } = this.file;
    this.input.hidden = kind === 'file';
    this.file.hidden = kind !== 'file';
    this.input.classList.toggle('code', kind !== 'text');
    this.input.spellcheck = kind === 'text';
    setText(this.problem, '');
    setText(this.hint, kind !== 'file' || !file ? hints[kind]
      : `${bytes(file.size)}` + (file.size > USUAL_MAX ? ', which is too much '
        + 'unless max-message in nwsd.conf says otherwise: above 256 KiB, nwsd '
        + 'would close the connection.' : '.'));
  }

  async #payload(kind) {
    if (kind === 'text' && this.input.value === '')
      throw new Error('Write something first.');
    if (kind === 'text')
      return this.input.value;
    if (kind === 'hex')
      return unhex(this.input.value);
    if (kind === 'json') {
      try {
        return parse(this.input.value);
      } catch (e) {
        throw new Error(`That is not JSON: ${e.message}`);
      }
    }
    const [file] = this.file.files;
    if (!file)
      throw new Error('Choose a file first.');
    return new Uint8Array(await file.arrayBuffer());
  }

  async #send() {
    const kind = this.form.elements.form.value, to = this.to.value;
    try {
      setText(this.problem, '');
      const data = await this.#payload(kind);
      if (to === '')
        this.ws.send(data);
      else
        this.ws.sendTo(to, data);
      this.log.message({ direct: to !== '', to,
        data: data instanceof Uint8Array ? data : this.input.value });
      this.log.toEnd();
      if (kind !== 'file')
        this.input.value = '';
    } catch (e) {
      setText(this.problem, e.name === 'InvalidStateError'
        ? 'Not connected: a message to one member cannot wait.' : e.message);
    }
  }

  async #copy(button, code) {
    try {
      await navigator.clipboard.writeText(code.textContent);
      setText(button, 'Copied');
      say('Copied');
    } catch {
      getSelection().selectAllChildren(code);
      setText(button, 'Selected');
      say('Could not copy; it is selected');
    }
    clearTimeout(this.copied);
    this.copied = setTimeout(() => setText(button, 'Copy'), 2000);
  }

  /* --------------------------------------------------------------- showing */

  /** What the daemon says of this channel. */
  update(row, perSecond) {
    if (this.level === 'ok' && row)
      setText(this.state, `Connected as ${this.ws.id} · ${row.members} on this `
        + `machine, ${row.elsewhere} elsewhere · ${rate(perSecond ?? 0)} `
        + 'messages/s');
  }

  show() {
    this.open = true;
    this.unread = 0;
    this.element.hidden = false;
    this.log.toEnd();
  }

  hide() {
    this.open = false;
    this.element.hidden = true;
  }
}
