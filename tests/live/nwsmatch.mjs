// Which channels both ends of a link have, as nws-link(7) says it under
// CHANNELS IN COMMON: sweeps, runs, CPace, OPENED and CLOSED, of the lead and
// of the follower.  Messages in, messages out; the clock is the caller's.
import { Cpace, FOLLOWER, Intersection, LEAD, ProtocolError, channelPassword,
  nodesOf, sessionOf } from './nwscrypto.mjs';

const pageSize = 64;
const ALL = 1, NEW = 2, FIRST = 1;
const runTime = 10000;

/** An empty list has one page. */
const pagesOf = (list) => Math.max(1, Math.ceil(list.length / pageSize));

const need = (condition, why) => {
  if (!condition)
    throw new ProtocolError(why);
};

/** A channel of this side, on one link. */
export class Channel {
  left = false;
  swept = false;
  /** The handles that this side and the other one send with; 0 before. */
  ours = 0;
  theirs = 0;

  constructor(name, secret) {
    this.name = name;
    this.password = channelPassword(name, secret);
  }

  get shared() {
    return this.ours !== 0;
  }
}

export class Match {
  channels = new Set();
  run = null;
  runNumber = 0;
  sweep = null;
  notBefore = 0;
  /** The last CHANGED, and the one before the last sweep that is over. */
  generation = 0;
  sweptGeneration = 0;
  sweptOnce = false;
  lastOurs = 0;
  lastTheirs = 0;
  /** By the handle of the other side: { channel or null, ours, since }. */
  handles = new Map();
  stats = { runs: 0, matches: 0, later: 0 };

  /**
   * self, peer: octets of peer ids; send(message); shared(channel),
   * unshared(channel): reports; later(n): milliseconds that a run with n
   * elements is to be put off, by the follower.
   */
  constructor(options) {
    Object.assign(this, { later: () => 0, shared() {}, unshared() {},
      now: Date.now }, options);
    const { lead, self, peer, binding } = options;
    this.nodes = nodesOf(binding, lead ? self : peer, lead ? peer : self);
  }

  join(channel) {
    this.channels.add(channel);
  }

  leave(channel) {
    if (!this.channels.delete(channel))
      return;
    channel.left = true;
    if (channel.shared)
      this.#close(channel, channel.theirs);
  }

  /* ---------------------------------------------------------- what is due */

  /** Whether the lead has a reason for a run. */
  get due() {
    return this.lead && this.run === null && (this.sweep !== null
      || !this.sweptOnce || this.generation !== this.sweptGeneration
      || [...this.channels].some((c) => !c.swept));
  }

  turn() {
    const now = this.now();
    need(this.run === null || now < this.run.deadline, 'a run takes too long');
    for (const h of this.handles.values())
      need(h.channel !== null || now < h.since + runTime, 'no CLOSED');
    if (!this.lead)
      this.#change();
    else if (this.due && now >= this.notBefore)
      this.#offer();
  }

  /* --------------------------------------------------------------- sweeps */

  #freeze() {
    const all = [...this.channels];
    const fresh = all.filter((c) => !c.swept), old = all.filter((c) => c.swept);
    all.forEach((c) => {
      c.swept = true;
    });
    return { fresh, old };
  }

  #begin(session, list, page) {
    const channels = list.slice(page * pageSize, (page + 1) * pageSize)
      .filter((c) => !c.left);
    this.run = { deadline: this.now() + runTime, session,
      psi: new Intersection(this.lead ? LEAD : FOLLOWER, session, channels) };
  }

  /* ----------------------------------------------------------------- lead */

  #offer() {
    if (this.sweep === null) {
      this.sweep = { ...this.#freeze(), page: 0, theirPage: 0, pages: 0,
        scope: ALL, generation: null };
      // Without new channels there is nothing to hold against all of theirs;
      // but the first sweep is one, whatever there is.
      if (this.sweep.fresh.length === 0 && this.sweptOnce)
        this.sweep.scope = NEW;
    }
    const { sweep } = this;
    const session = sessionOf(this.nodes, ++this.runNumber);
    this.#begin(session, this.#mine(), sweep.page);
    this.send({ type: 'OFFER', run: this.runNumber, scope: sweep.scope,
      flags: sweep.generation === null ? FIRST : 0, page: sweep.theirPage,
      elements: this.run.psi.elements });
  }

  #mine() {
    return this.sweep.scope === ALL ? this.sweep.fresh : this.sweep.old;
  }

  #advance() {
    const { sweep } = this;
    if (++sweep.theirPage < sweep.pages)
      return;
    sweep.theirPage = 0;
    if (++sweep.page < pagesOf(this.#mine()))
      return;
    if (sweep.scope === ALL && sweep.old.length > 0
      && sweep.generation !== this.sweptGeneration) {
      Object.assign(sweep, { scope: NEW, page: 0, pages: 0 });
      return;
    }
    this.sweep = null;
    this.sweptOnce = true;
    this.sweptGeneration = sweep.generation;
  }

  #takeChanged(m) {
    need(this.lead && m.generation === this.generation + 1, 'CHANGED');
    this.generation = m.generation;
  }

  #takeAnswer(m) {
    const { sweep } = this;
    need(this.lead && this.run !== null && m.run === this.runNumber
      && this.run.psi.expected === undefined, 'ANSWER out of turn');
    need(m.generation <= this.generation && (sweep.generation === null
      ? m.generation >= this.sweptGeneration
      : m.generation === sweep.generation), 'another generation');
    need(sweep.pages === 0 || sweep.pages === m.pages, 'another list');
    sweep.generation = m.generation;
    sweep.pages = m.pages;
    this.run.psi.takeElements(m.elements);
    const matches = this.run.psi.takeTags(m.tags);
    this.send({ type: 'TAGS', run: m.run, tags: this.run.psi.tags });
    this.#open(matches);
  }

  #takeLater(m) {
    need(this.lead && this.run !== null && m.run === this.runNumber
      && this.run.psi.expected === undefined, 'LATER out of turn');
    this.run = null;
    this.stats.later++;
    this.notBefore = this.now() + m.milliseconds + 10;
  }

  /* ------------------------------------------------------------- follower */

  #change() {
    // One that no sweep has followed yet is enough for what came after it.
    if (this.generation !== this.sweptGeneration
      || ![...this.channels].some((c) => !c.swept))
      return;
    this.send({ type: 'CHANGED', generation: ++this.generation });
  }

  #takeOffer(m) {
    const now = this.now();
    need(!this.lead && this.run === null && m.run === this.runNumber + 1
      && now >= this.notBefore, 'OFFER out of turn');
    this.runNumber = m.run;
    const wait = this.later(m.elements.length);
    if (wait > 0) {
      this.notBefore = now + wait;
      this.stats.later++;
      this.send({ type: 'LATER', run: m.run, milliseconds: wait });
      return;
    }
    if (m.flags & FIRST) {
      this.#change();
      this.sweep = this.#freeze();
      this.sweptGeneration = this.generation;
    }
    need(this.sweep !== null, 'no sweep');
    const { fresh, old } = this.sweep;
    const list = m.scope === ALL ? [...fresh, ...old] : fresh;
    need(m.page < pagesOf(list), 'no such page');
    this.#begin(sessionOf(this.nodes, m.run), list, m.page);
    const { psi } = this.run;
    psi.takeElements(m.elements);
    this.send({ type: 'ANSWER', run: m.run, generation: this.sweptGeneration,
      pages: pagesOf(list), elements: psi.elements, tags: psi.tags });
  }

  #takeTags(m) {
    need(!this.lead && this.run !== null && m.run === this.runNumber
      && this.run.open === undefined, 'TAGS out of turn');
    this.#open(this.run.psi.takeTags(m.tags));
  }

  /* -------------------------------------------------------------- opening */

  #open(matches) {
    this.stats.runs++;
    this.stats.matches += matches.length;
    this.run.open = new Map();
    for (const { channel, position } of matches) {
      need(!channel.shared, 'a shared channel once more');
      const cpace = new Cpace({ prs: channel.password, ci: this.nodes,
        sid: Buffer.concat([this.run.session, Buffer.from([position])]),
        ad: this.self, remoteAd: this.peer });
      this.run.open.set(position, { channel, cpace, ours: 0, theirs: 0 });
      this.send({ type: 'SHARE', run: this.runNumber, position,
        share: cpace.share });
    }
    this.#over();
  }

  #over() {
    if (![...this.run.open.values()].every((o) => o.ours && o.theirs))
      return;
    this.run = null;
    if (this.lead)
      this.#advance();
  }

  #takeOpening(m) {
    const o = m.run === this.runNumber ? this.run?.open?.get(m.position)
      : undefined;
    need(o !== undefined, `${m.type} without a match`);
    if (m.type === 'SHARE') {
      need(o.cpace.tag === undefined, 'a SHARE twice');
      o.cpace.take(m.share);
      this.send({ type: 'CONFIRM', run: m.run, position: m.position,
        tag: o.cpace.tag });
    } else if (m.type === 'CONFIRM') {
      need(o.ours === 0, 'a CONFIRM twice');
      o.cpace.confirm(m.tag);
      o.ours = ++this.lastOurs;
      this.send({ type: 'OPENED', run: m.run, position: m.position,
        handle: o.ours });
    } else {
      need(o.ours !== 0 && o.theirs === 0
        && m.handle === this.lastTheirs + 1, 'OPENED out of turn');
      o.theirs = this.lastTheirs = m.handle;
      this.#share(o);
      this.#over();
    }
  }

  #share({ channel, ours, theirs }) {
    this.handles.set(theirs, { channel, ours });
    Object.assign(channel, { ours, theirs });
    if (channel.left)
      this.#close(channel, theirs);
    else
      this.shared(channel);
  }

  #close(channel, theirs) {
    const handle = this.handles.get(theirs);
    Object.assign(handle, { channel: null, since: this.now() });
    Object.assign(channel, { ours: 0, theirs: 0 });
    this.send({ type: 'CLOSED', handle: handle.ours });
  }

  #takeClosed(m) {
    const handle = this.handles.get(m.handle);
    need(handle !== undefined, 'CLOSED of no handle');
    this.handles.delete(m.handle);
    const { channel } = handle;
    if (channel === null)
      return;
    this.send({ type: 'CLOSED', handle: handle.ours });
    Object.assign(channel, { ours: 0, theirs: 0 });
    this.unshared(channel);
  }

  /** The channel of a handle of the other side; null when it was left. */
  find(handle) {
    const h = this.handles.get(handle);
    need(h !== undefined, `no handle ${handle}`);
    return h.channel;
  }

  take(m) {
    switch (m.type) {
    case 'CHANGED': return this.#takeChanged(m);
    case 'OFFER': return this.#takeOffer(m);
    case 'ANSWER': return this.#takeAnswer(m);
    case 'TAGS': return this.#takeTags(m);
    case 'LATER': return this.#takeLater(m);
    case 'CLOSED': return this.#takeClosed(m);
    default: return this.#takeOpening(m);
    }
  }
}
