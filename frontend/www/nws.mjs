/**
 * Channels of nwsd(8) for web pages, and for Node with a WebSocket constructor.
 * README.md is the manual, nws.d.ts has the types, nws-protocol(7) what is said
 * on the wire: here always the binary messages, nws.binary.v1, which carry text
 * and bytes alike.
 *
 * The daemon serves this file as /nws.mjs and, as a classic script with global
 * names, as /nws.js.
 */
const BINARY = 'nws.binary.v1';
const CONNECTING = 0, OPEN = 1, CLOSING = 2, CLOSED = 3;
const BROADCAST = 1, MESSAGE = 2, STATUS = 3, CONNECT = 4, DISCONNECT = 5,
  ERROR = 6, JSON_FLAG = 0x80;
/** What the daemon's errors are called, by number. */
const ERRORS = [, 'unknown-target', 'not-json', 'unknown-action', 'bad-target',
  'too-fast', 'missed', 'not-envelope'];
const MISSED = 6;
/** Close codes after which it would only happen again, or is not wanted. */
const FINAL = new Set([1002, 1003, 1007, 1008]);
/** For an answer to what nobody has to decide. */
const WAIT_MS = 10000;
/** How a connection ends that never was one. */
const NEVER = { code: 1006, reason: '', wasClean: false };
/** Open for so long: a later loss is a new one, not one more of a row. */
const STEADY_MS = 5000;
/** Faster than this nobody answers a prompt. */
const NOBODY_MS = 300;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/* ------------------------------------------------------------- addresses */

const isLoopback = (host) => /^(.+\.)?localhost$|^127(\.\d+){3}$|^\[::1\]$/
  .test(host);

/** The daemon that served this file, or where one usually is. */
function home(src) {
  try {
    const url = new URL(src);
    if (/^\/nws\.m?js$/.test(url.pathname) && isLoopback(url.hostname))
      return url.origin;
  } catch { /* in a bundle, or pasted into a page */ }
  return 'http://localhost:9009';
}

/** http: or ws: address of a daemon, as an http: origin. */
function serverOf(text) {
  const url = new URL(`${text}`.replace(/^ws/i, 'http'));
  if (!/^https?:$/.test(url.protocol))
    throw new DOMException(`not the address of an nwsd: ${text}`,
      'SyntaxError');
  return url.origin;
}

const thisOrigin = () => globalThis.origin ?? globalThis.location?.origin;
/** Node and the like have no origin, and nobody to ask. */
const isPage = () => globalThis.location !== undefined
  && globalThis.navigator !== undefined;

/* ---------------------------------------------------------------- errors */

/** What went wrong: a code for programs, and a text that says what to do. */
class NetworkWebSocketError extends Error {
  /**
   * @param {string} code
   * @param {string} message
   * @param {object} [more] members to add: page, closeCode, target, count
   */
  constructor(code, message, more) {
    super(message);
    Object.assign(this, { code }, more);
  }

  get name() {
    return 'NetworkWebSocketError';
  }
}

const advice = {
  'browser-denied': (server) => 'The browser does not let this page connect to '
    + `${server}. Allow ${thisOrigin()} to reach apps on this device (local `
    + 'network access) in the browser\'s settings for this site'
    + (globalThis.isSecureContext ? '' : ', for which it must be served by '
      + 'https') + ((globalThis.parent ?? globalThis) === globalThis ? '.'
      : '; a frame also needs the attribute '
      + 'allow="loopback-network; local-network-access".'),
  'not-granted': (server) => `nwsd does not let pages of ${thisOrigin()} `
    + `connect yet. If you trust this site, allow it at ${server}/ or by: `
    + `nwsctl origin allow ${thisOrigin()}`,
  'not-running': (server) => `nwsd does not answer at ${server}. Start it on `
    + 'this machine. (A Content-Security-Policy of this page, or a browser '
    + 'that keeps https pages from http://localhost, looks the same.)',
  'token-needed': (server) => `nwsd at ${server} asks programs for the token `
    + 'of "native token" in nwsd.conf: send it as Authorization: Bearer TOKEN.',
  'refused': (server) => `nwsd answers at ${server} but did not open the `
    + 'channel; a limit may be reached, which "nwsctl show limits" tells.',
  'not-nwsd': (server) => `What answers at ${server} is not nwsd.`,
  'lost': (server) => `The connection to nwsd at ${server} was lost.`,
  'too-large': () => 'A message was larger than max-message of nwsd.conf, '
    + 'which is 256 KiB where it says nothing.',
  'too-slow': () => 'This page read too slowly, and messages were lost.',
  'closed': () => 'nwsd closed this connection for good.',
};

const failure = (code, server, more) => new NetworkWebSocketError(code,
  advice[code](server), code === 'not-granted'
    ? { page: `${server}/`, ...more } : more);

/* ---------------------------------------------------------------- events */

class PeerMessageEvent extends MessageEvent {
  /** @type {string} */ senderId;
  /** @type {boolean} */ direct;

  constructor({ senderId, direct, ...init }) {
    super('message', init);
    this.senderId = senderId;
    this.direct = direct;
  }
}

class SocketCloseEvent extends (globalThis.CloseEvent ?? Event) {
  constructor(code, reason, wasClean) {
    super('close', { code, reason, wasClean });
    if (this.code !== code)     // a plain Event, in Node
      Object.assign(this, { code, reason, wasClean });
  }
}

class SocketErrorEvent extends Event {
  constructor(error) {
    super('error');
    this.error = error;
    this.message = error.message;
  }
}

/** Gives a class the properties onopen and so on. */
function handlers(prototype, names) {
  for (const name of names) {
    const set = new WeakMap();
    Object.defineProperty(prototype, `on${name}`, {
      configurable: true,
      enumerable: true,
      get() {
        return set.get(this)?.handler ?? null;
      },
      set(handler) {
        let listener = set.get(this);
        if (!listener) {
          listener = { handleEvent: (e) => listener.handler?.call(this, e) };
          set.set(this, listener);
          this.addEventListener(name, listener);
        }
        listener.handler = typeof handler === 'function' ? handler : null;
      },
    });
  }
}

/* -------------------------------------------------------------- messages */

/** One message; a payload of text is JSON, any other is bytes. */
function envelope(type, target, payload) {
  const isJSON = typeof payload === 'string';
  const bytes = isJSON ? encoder.encode(payload) : payload;
  const start = target === undefined ? 1 : 9;
  const out = new Uint8Array(start + bytes.length);
  out[0] = type | (isJSON ? JSON_FLAG : 0);
  if (target !== undefined)
    new DataView(out.buffer).setBigUint64(1, BigInt(target));
  out.set(bytes, start);
  return out;
}

// By their tags: instanceof does not know the ones of another frame.
const tag = (x) => Object.prototype.toString.call(x).slice(8, -1);
const isBlob = (x) => /^(Blob|File)$/.test(tag(x));
const isBuffer = (x) => /^(Shared)?ArrayBuffer$/.test(tag(x));

/** What send() was given, as JSON in a string, bytes, or a Blob to be read. */
function payloadOf(data) {
  if (typeof data === 'string')
    return JSON.stringify(data.toWellFormed?.() ?? data);
  if (isBlob(data))
    return data;
  if (ArrayBuffer.isView(data))
    return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  if (isBuffer(data))
    return new Uint8Array(data);
  return JSON.stringify(data) ?? JSON.stringify(String(data));
}

/** What a message event has as data. */
function dataOf(isJSON, payload, binaryType) {
  if (isJSON) {
    // White space around the value is as others sent it in binary messages.
    const text = decoder.decode(payload).trim();
    // Other values than strings as their text, so that data is always one.
    return text[0] === '"' ? JSON.parse(text) : text;
  }
  return binaryType === 'blob' ? new Blob([payload]) : payload.slice().buffer;
}

/** close(code, reason) as WebSocket takes it. */
function checkClose(code, reason) {
  if (code !== undefined && code !== 1000 && !(code >= 3000 && code <= 4999))
    throw new DOMException(`close code ${code} is neither 1000 nor 3000 to `
      + '4999', 'InvalidAccessError');
  if (reason !== undefined && encoder.encode(reason).length > 123)
    throw new DOMException('the reason is longer than 123 bytes',
      'SyntaxError');
}

/* ----------------------------------------------------------------- peers */

// What a channel does with its peers; not for others.
const open = Symbol('open'), finish = Symbol('finish'), emit = Symbol('emit'),
  post = Symbol('post'), shut = Symbol('shut');

/** What a channel and a peer of it have in common with WebSocket. */
class SocketLike extends EventTarget {
  #binaryType = 'blob';

  get binaryType() {
    return this.#binaryType;
  }

  set binaryType(type) {
    if (type === 'blob' || type === 'arraybuffer')
      this.#binaryType = type;
  }

  /** Dispatches a message. */
  [emit](senderId, direct, isJSON, payload, origin) {
    this.dispatchEvent(new PeerMessageEvent({ senderId, direct, origin,
      data: dataOf(isJSON, payload, this.#binaryType) }));
  }
}

for (const [name, value] of Object.entries({ CONNECTING, OPEN, CLOSING,
  CLOSED }))
  for (const where of [SocketLike, SocketLike.prototype])
    Object.defineProperty(where, name, { value, enumerable: true });

handlers(SocketLike.prototype, ['open', 'message', 'error', 'close']);

/** One other member of a channel; comes as event.detail.target of `connect`. */
class NetworkWebSocketPeer extends SocketLike {
  #channel;
  #id;
  #state = CONNECTING;

  constructor(channel, id) {
    super();
    this.#channel = channel;
    this.#id = id;
    this.binaryType = channel.binaryType;
  }

  get id() {
    return this.#id;
  }

  get readyState() {
    return this.#state;
  }

  get url() {
    return this.#channel.url;
  }

  get protocol() {
    return this.#channel.protocol;
  }

  get extensions() {
    return this.#channel.extensions;
  }

  get bufferedAmount() {
    return this.#channel.bufferedAmount;
  }

  /** Sends to this peer alone. */
  send(data) {
    if (this.#state > OPEN)
      throw new DOMException(`the peer ${this.#id} is not there any more`,
        'InvalidStateError');
    this.#channel[post](MESSAGE, this.#id, data);
  }

  /** Ends the conversation on this side: the peer is not told. */
  close(code, reason) {
    checkClose(code, reason);
    if (this.#state > OPEN)
      return;
    this.#state = CLOSING;
    queueMicrotask(() => this.#channel[shut](this, code ?? 3001,
      reason ?? 'Closed'));
  }

  [open]() {
    if (this.#state !== CONNECTING)
      return;
    this.#state = OPEN;
    this.dispatchEvent(new Event('open'));
  }

  [finish](code, reason, wasClean) {
    this.#state = CLOSED;
    this.dispatchEvent(new SocketCloseEvent(code, reason, wasClean));
  }
}

/* ----------------------------------------------------- what is in the way */

/** The browser's permission to connect to a server; null: it asks for none. */
async function permission(server) {
  if (!isPage() || isLoopback(globalThis.location.hostname))
    return null;
  for (const name of [isLoopback(new URL(server).hostname)
    ? 'loopback-network' : 'local-network', 'local-network-access']) {
    try {
      return await globalThis.navigator.permissions.query({ name });
    } catch { /* another name, or none at all */ }
  }
  return null;
}

/** Whether a request gets an answer that this page may read. */
async function answers(url, init) {
  try {
    return (await fetch(url, { cache: 'no-store', credentials: 'omit',
      ...init })).ok;
  } catch {
    return false;
  }
}

/**
 * Resolves with the reason why a server cannot be reached, or with null.  The
 * request raises the browser's prompt, where the person has not decided yet.
 */
async function reach(server, allowed) {
  const begun = Date.now();
  // "denied" is also what pages without https are told who need no permission.
  if (await answers(`${server}/health`, allowed?.state === 'prompt' ? {}
    : { signal: AbortSignal.timeout(WAIT_MS) }))
    return null;
  // Without a server there was nothing to ask the person about.
  return failure(allowed?.state === 'denied' || (allowed?.state === 'prompt'
    && Date.now() - begun > NOBODY_MS) ? 'browser-denied' : 'not-running',
  server);
}

/** Why no connection came about.  hint: what Node's `ws` says of it. */
async function diagnose(server, hint) {
  const status = /\b[45]\d\d\b/.exec(hint)?.[0];
  if (status === '401')
    return failure('token-needed', server);
  const error = await reach(server, await permission(server));
  if (error)
    return error;
  // Pages that may not connect may not read this either.
  if (isPage() && !await answers(`${server}/nws.mjs`, { method: 'HEAD' }))
    return failure('not-granted', server);
  return failure('refused', server, status && { status: Number(status) });
}

/* --------------------------------------------------------------- channels */

/**
 * A member of a channel: what everyone sends arrives as `message`, send() sends
 * to everyone, each other member is a peer of `connect` and `disconnect`.
 */
class NetworkWebSocket extends SocketLike {
  /** The daemon to connect to where options.server says nothing. */
  static server = home(import.meta.url);

  /** All other members: the objects of their `connect` events. */
  peers = [];

  #server;
  #url;
  #protocols;
  #Socket;
  #reconnect;
  #queueMax;

  #state = CONNECTING;
  #id = '';
  #socket = null;
  #allowed;             // PermissionStatus of the attempt, null without
  #attempt = null;      // which one is under way; a later one replaces it
  #row = 0;             // failures in a row
  #openedAt = 0;
  #wake = null;         // ends the pause before the next attempt
  #hello;               // timer
  #hint = '';
  #byId = new Map();
  #shut = new Set();    // ids of peers whose objects were closed here
  #held = [];           // what came before `open`; null when all is dealt with
  #queue = [];
  #queued = 0;          // bytes
  #flushing = false;
  #closing = [];        // what close() was given
  #ready;

  /**
   * @param {string} channel  1 to 255 of A-Z a-z 0-9 + = * . _ -
   * @param {string|string[]} [protocols]
   * @param {object} [options]  server, reconnect, queue, presence, WebSocket:
   *     see README.md
   */
  constructor(channel, protocols = [], options = {}) {
    super();
    if (!/^[A-Za-z0-9+=*._-]{1,255}$/.test(channel)
      || /^(\.\.?|libp2p)$/.test(channel))
      throw new DOMException(`not the name of a channel: ${channel} `
        + '(1 to 255 of A-Z a-z 0-9 + = * . _ -)', 'SyntaxError');
    this.#protocols = [protocols].flat().map(String);
    if (new Set(this.#protocols).size !== this.#protocols.length
      || !this.#protocols.every((p) => /^[!#$%&'*+.^_`|~\w-]+$/.test(p)))
      throw new DOMException('a protocol is twice there, or not a token',
        'SyntaxError');
    this.#Socket = options.WebSocket ?? globalThis.WebSocket;
    if (this.#Socket === undefined)
      throw new TypeError('there is no WebSocket here: give one, such as that '
        + 'of the package "ws", as options.WebSocket');
    const { min = 500, max = 30000 } = options.reconnect ?? {};
    this.#reconnect = options.reconnect === false ? null : { min, max };
    this.#queueMax = options.queue ?? 1024 * 1024;
    this.#server = serverOf(options.server ?? NetworkWebSocket.server);
    this.#url = `${this.#server.replace(/^http/, 'ws')}/${channel}`
      + (options.presence === false ? '?presence=off' : '');
    this.#expect();
    this.#connect();
  }

  get readyState() {
    return this.#state;
  }

  get url() {
    return this.#url;
  }

  /** The own id: "" but while open, another one after each reconnection. */
  get id() {
    return this.#id;
  }

  get protocol() {
    return this.#id === '' ? '' : this.#protocols[0] ?? '';
  }

  get extensions() {
    return this.#socket?.extensions ?? '';
  }

  get bufferedAmount() {
    return this.#queued + (this.#socket?.bufferedAmount ?? 0);
  }

  /**
   * Resolves with this object when it is open; rejects with the error of the
   * attempt that is under way, or when it is closed.
   */
  get ready() {
    return this.#ready.promise;
  }

  /** Sends to all other members. */
  send(data) {
    this[post](BROADCAST, undefined, data);
  }

  /** Sends to one member, also to one that is silent and so is no peer. */
  sendTo(id, data) {
    if (!/^[1-9]\d{0,18}$/.test(id))
      throw new DOMException(`not the id of a member: ${id}`, 'SyntaxError');
    if (this.#state !== OPEN)
      throw new DOMException('not connected', 'InvalidStateError');
    this[post](MESSAGE, `${id}`, data);
  }

  close(code, reason) {
    checkClose(code, reason);
    if (this.#state >= CLOSING)
      return;
    const wasOpen = this.#state === OPEN;
    this.#state = CLOSING;
    this.#closing = code === undefined && reason === undefined ? []
      : [code ?? 1000, reason ?? ''];
    this.#pauseOver();
    if (wasOpen)
      this.#flush();
    else if (this.#socket)
      this.#socket.close();
    else
      queueMicrotask(() => this.#end(1006, '', false));
  }

  /* ---------------------------------------------------------- connecting */

  /** A new promise for who waits until it is open. */
  #expect() {
    this.#ready = {};
    this.#ready.promise = new Promise((resolve, reject) => {
      Object.assign(this.#ready, { resolve, reject });
    });
    this.#ready.promise.catch(() => {});        // nobody need wait
  }

  /** One attempt. */
  async #connect() {
    const attempt = this.#attempt = {};
    const allowed = this.#allowed = await permission(this.#server);
    const error = allowed?.state === 'prompt' && this.#attempt === attempt
      ? await reach(this.#server, allowed) : null;
    if (this.#attempt !== attempt)
      return;
    if (error) {
      this.#closed(NEVER, error);
      return;
    }
    try {
      this.#dial();
    } catch (e) {
      this.#hint = e.message;
      this.#closed(NEVER);
    }
  }

  #dial() {
    this.#hint = '';
    const socket = new this.#Socket(this.#url, [BINARY, ...this.#protocols
      .filter((p) => p !== BINARY)]);
    this.#socket = socket;
    socket.binaryType = 'arraybuffer';
    const mine = (handler) => (e) => {
      if (this.#socket === socket)
        handler(e);
    };
    socket.onopen = mine(() => {
      if (socket.protocol !== BINARY) {
        this.#hint = BINARY;
        socket.close();
        return;
      }
      // The answer has our id, and says that all is well.
      this.#hello = setTimeout(() => socket.close(), WAIT_MS);
      socket.send(Uint8Array.of(STATUS));
    });
    socket.onmessage = mine((e) => this.#receive(new Uint8Array(e.data)));
    socket.onerror = mine((e) => {
      this.#hint = e.message ?? '';
      // Up to Node 22, its own WebSocket leaves it at that.
      if (socket.readyState === CONNECTING)
        this.#closed(NEVER);
    });
    socket.onclose = mine((e) => this.#closed(e));
  }

  #opened(id) {
    clearTimeout(this.#hello);
    if (this.#state !== CONNECTING)
      return;
    this.#id = id;
    this.#openedAt = Date.now();
    this.#state = OPEN;
    this.#flush();
    this.#ready.resolve(this);
    this.dispatchEvent(new Event('open'));
    // After what waited for `ready`, which may want to see it all.
    const held = this.#held;
    queueMicrotask(() => {
      while (held.length > 0)
        this.#take(held.shift());
      if (this.#held === held)
        this.#held = null;
    });
  }

  /** The connection is gone, or none came about. */
  async #closed({ code, reason, wasClean }, error) {
    const wasOpen = this.#id !== '', attempt = this.#attempt;
    clearTimeout(this.#hello);
    if (wasOpen)
      this.#expect();
    this.#socket = null;
    this.#id = '';
    this.#held = [];
    if (this.#state === CLOSING) {
      this.#end(code, reason, wasClean);
      return;
    }
    this.#state = CONNECTING;
    // A direct message is for a peer of the connection that is gone.
    this.#queue = this.#queue.filter((m) => m.target === undefined);
    this.#queued = this.#queue.reduce((sum, m) => sum + m.size, 0);
    if (wasOpen || FINAL.has(code)) {
      error = failure({ 1009: 'too-large', 1013: 'too-slow' }[code]
        ?? (FINAL.has(code) ? 'closed' : 'lost'), this.#server,
      { closeCode: code, reason });
      if (Date.now() - this.#openedAt > STEADY_MS)
        this.#row = 0;
      this.#dropPeers(1006, '', false);
    } else {
      error ??= this.#hint === BINARY ? failure('not-nwsd', this.#server)
        : await diagnose(this.#server, this.#hint);
    }
    if (this.#attempt === attempt && this.#state === CONNECTING)
      this.#failed(error, wasOpen, code, reason, wasClean);
  }

  #failed(error, wasOpen, code, reason, wasClean) {
    const last = this.#reconnect === null || FINAL.has(code);
    if (!wasOpen)
      this.#ready.reject(error);
    if (!wasOpen && !last)
      this.#expect();
    if (error.code !== 'lost' || (last && !wasClean))
      this.dispatchEvent(new SocketErrorEvent(error));
    if (this.#state !== CONNECTING)
      return;
    if (last)
      this.#end(code, reason, wasClean);
    else
      this.#pause(error);
  }

  /**
   * Until the next attempt: full jitter, so that the pages of a machine do not
   * all come at once; without the person's leave there is none, since each
   * would ask again.
   */
  #pause(error) {
    const { min, max } = this.#reconnect;
    const delay = error.code === 'browser-denied' ? Infinity
      : Math.random() * Math.min(max, min * 2 ** this.#row);
    const page = globalThis.document, over = new AbortController();
    const again = () => this.#wake();
    const timer = delay === Infinity ? undefined : setTimeout(again, delay);
    const until = { signal: over.signal };
    page?.addEventListener('visibilitychange',
      () => page.visibilityState === 'visible' && again(), until);
    globalThis.addEventListener?.('online', again, until);
    this.#allowed?.addEventListener('change', again, until);
    this.#row++;
    this.#attempt = null;
    this.#wake = (connect = true) => {
      this.#wake = null;
      clearTimeout(timer);
      over.abort();
      if (connect)
        this.#connect();
    };
    this.dispatchEvent(new CustomEvent('reconnecting',
      { detail: { attempt: this.#row, delay, error } }));
  }

  /** No pause any more, and no attempt after it. */
  #pauseOver() {
    this.#attempt = null;
    this.#wake?.(false);
  }

  #end(code, reason, wasClean) {
    if (this.#state === CLOSED)
      return;
    this.#state = CLOSED;
    this.#pauseOver();
    this.#queue = [];
    this.#queued = 0;
    this.#ready.reject(new NetworkWebSocketError('closed',
      'The connection is closed.', { closeCode: code, reason }));
    this.#dropPeers(3001, 'Closed', true);
    this.dispatchEvent(new SocketCloseEvent(code, reason, wasClean));
  }

  /* ------------------------------------------------------------- sending */

  [post](type, target, data) {
    if (this.#state >= CLOSING)
      throw new DOMException('the connection is closed',
        'InvalidStateError');
    const payload = payloadOf(data);
    const message = isBlob(payload)
      ? { type, target, blob: payload, size: payload.size }
      : { target, bytes: envelope(type, target, payload) };
    message.size ??= message.bytes.length;
    if (this.#isUp() && this.#queue.length === 0 && message.bytes) {
      this.#socket.send(message.bytes);
      return;
    }
    if (!this.#isUp()
      && message.size > this.#queueMax - this.#queued)
      throw new NetworkWebSocketError('queue-full', 'Not connected, and '
        + `${this.#queueMax} bytes (options.queue) wait to be sent already.`);
    this.#queue.push(message);
    this.#queued += message.size;
    if (this.#isUp())
      this.#flush();
  }

  /** Whether a message can go now: not while the browser's socket closes. */
  #isUp() {
    return this.#state === OPEN && this.#socket.readyState === OPEN;
  }

  /** Sends what waits, in order: for a Blob until it is read. */
  async #flush() {
    if (this.#flushing)
      return;
    this.#flushing = true;
    const connected = () => this.#id !== ''
      && this.#socket.readyState === OPEN;
    while (this.#queue.length > 0 && connected()) {
      const message = this.#queue[0];
      try {
        if (message.blob)
          message.bytes = envelope(message.type, message.target,
            new Uint8Array(await message.blob.arrayBuffer()));
        message.blob = null;
      } catch (e) {
        this.dispatchEvent(new SocketErrorEvent(new NetworkWebSocketError(
          'blob-unreadable', `A Blob could not be read: ${e.message}`)));
      }
      // Meanwhile the connection, and with it this message, may be gone.
      if (this.#queue[0] !== message || !connected())
        continue;
      this.#queue.shift();
      this.#queued -= message.size;
      if (message.bytes)
        this.#socket.send(message.bytes);
    }
    this.#flushing = false;
    if (this.#state === CLOSING)
      this.#socket?.close(...this.#closing);
  }

  /* ----------------------------------------------------------- receiving */

  #receive(message) {
    if (this.#id === '' && message[0] === STATUS && message.length === 9)
      this.#opened(idAt(message, 1));
    else if (this.#held)
      this.#held.push(message);
    else
      this.#take(message);
  }

  #take(message) {
    const type = message[0] & ~JSON_FLAG;
    if (this.#state !== OPEN || message.length < 9)
      return;
    if (type === ERROR) {
      this.#refused(message);
      return;
    }
    const id = idAt(message, 1), peer = this.#byId.get(id);
    const rest = [(message[0] & JSON_FLAG) !== 0, message.subarray(9),
      this.#server.replace(/^http/, 'ws')];
    if (type === BROADCAST)
      this[emit](id, false, ...rest);
    else if (type === MESSAGE && peer) {
      peer[open]();
      if (peer.readyState === OPEN)
        peer[emit](id, true, ...rest);
    } else if (type === MESSAGE && !this.#shut.has(id))
      this[emit](id, true, ...rest);    // of a silent one, or ourselves
    else if (type === CONNECT && !peer && !this.#shut.has(id))
      this.#came(id);
    else if (type === DISCONNECT && !this.#shut.delete(id) && peer)
      this.#went(peer, 3000, 'Closed', true);
  }

  #refused(message) {
    const view = new DataView(message.buffer, message.byteOffset);
    if (message.length < 11)
      return;
    const number = view.getUint16(1), id = idAt(message, 3);
    const more = number === MISSED ? { count: Number(id) }
      : id !== '0' ? { target: id } : {};
    this.dispatchEvent(new SocketErrorEvent(new NetworkWebSocketError(
      ERRORS[number] ?? `error-${number}`,
      decoder.decode(message.subarray(11)), more)));
  }

  #came(id) {
    const peer = new NetworkWebSocketPeer(this, id);
    this.#byId.set(id, peer);
    this.peers.push(peer);
    this.dispatchEvent(new CustomEvent('connect',
      { detail: { target: peer } }));
    // A page may await this event before it listens to the peer.
    queueMicrotask(() => peer[open]());
  }

  #went(peer, code, reason, wasClean) {
    this.#byId.delete(peer.id);
    const at = this.peers.indexOf(peer);
    if (at !== -1)
      this.peers.splice(at, 1);
    peer[finish](code, reason, wasClean);
    this.dispatchEvent(new CustomEvent('disconnect',
      { detail: { target: peer } }));
  }

  /** peer.close(): nothing more of this peer but its broadcasts. */
  [shut](peer, code, reason) {
    if (this.#byId.get(peer.id) !== peer)
      return;
    this.#shut.add(peer.id);
    this.#went(peer, code, reason, true);
  }

  #dropPeers(code, reason, wasClean) {
    this.#shut.clear();
    for (const peer of [...this.#byId.values()])
      this.#went(peer, code, reason, wasClean);
  }
}

handlers(NetworkWebSocket.prototype, ['connect', 'disconnect', 'reconnecting']);

/** The decimal id at an offset. */
function idAt(message, at) {
  return new DataView(message.buffer, message.byteOffset + at, 8)
    .getBigUint64(0).toString();
}

export { NetworkWebSocket, NetworkWebSocketError };
