// Channels that one frontend has alone, until members on another one join: who
// delivers changes under load, and nobody may notice.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { useDaemon, waitUntil } from './lib.mjs';
import { Member, closeAll, listeners, openMembers } from './wire.mjs';

const ROUNDS = 6, JOINERS = 3, CYCLES = 4, WINDOW = 200;
let serial = 0;

/** Which frontend each client is on. */
const placesOf = async (d) => new Map((await d.show('clients'))
  .map((c) => [c.client, c.frontend]));

const open = (d, name) =>
  Member.open(listeners(d)['127.0.0.1'], `/${name}`);

/** Asks a member who it is; what came before the answer stays in .early. */
async function introduce(m) {
  m.early = [];
  m.send({ action: 'status' });
  m.name = (await m.json((o) => o.action === 'status'
    || !m.early.push(o), 'status')).source;
  return m;
}

const enter = async (d, name) => introduce(await open(d, name));

/**
 * Opens n members of a new channel on one frontend: clients on the others have
 * the frontends leave new connections to it.  They are closed again, so that
 * who comes next is taken by another one.
 */
async function openTogether(d, n) {
  for (let attempt = 0; attempt < 20; attempt++) {
    const fillers = await openMembers(d.prefork * (n + 4),
      () => enter(d, `filler-${process.pid}`), 4);
    const at = await placesOf(d);
    const home = at.get(fillers[attempt % fillers.length].name);
    await closeAll(fillers.filter((m) => at.get(m.name) === home));
    await waitUntil(async () => ![...(await placesOf(d)).values()]
      .includes(home), 'a frontend to be empty');
    const name = `lease-${++serial}-${process.pid}`;
    const members = [];
    for (let i = 0; i < n; i++)
      members.push(await enter(d, name));
    const now = await placesOf(d);
    await closeAll(fillers.filter((m) => at.get(m.name) !== home));
    if (members.every((m) => now.get(m.name) === home))
      return { name, members, home };
    await closeAll(members);
  }
  throw new Error('members are never on one frontend');
}

/** One channel, and what each of its members has seen. */
class Round {
  wrong = [];
  sent = 0;
  senders = [];
  rejected = 0;

  constructor(d, name) {
    this.d = d;
    this.channel = name;
  }

  /** From now on each message to m is judged; whole: there from the start. */
  watch(m, whole) {
    m.last = new Map();
    m.present = new Set();
    m.order = [];
    m.from ??= new Map();
    m.next = 0;
    m.whole = whole;
    m.greeted = new Set();
    m.early.forEach((o) => this.#message(m, o));
    m.onmessage = (text) => this.#message(m, JSON.parse(text));
    m.messages.items.splice(0).forEach((text) => m.onmessage(text));
  }

  /** Every third message of those who stay goes to the first watcher alone. */
  say(m) {
    const n = m.next++;
    m.send(m.whole && n % 3 === 2
      ? `{"action":"message","target":"${this.watchers[0].name}","data":${n}}`
      : `{"action":"broadcast","data":${n}}`);
    this.sent++;
  }

  /** The number that m is to see after n of this sender. */
  #after(m, sender, n) {
    return sender?.whole && m !== this.watchers[0] && n % 3 === 1 ? n + 2
      : n + 1;
  }

  #message(m, o) {
    const bad = (what) => this.wrong.push(`${m.name}: ${what}: `
      + JSON.stringify(o));
    switch (o.action) {
    case 'connect':
      if (m.present.has(o.target))
        bad('connected twice');
      m.present.add(o.target);
      // Whoever is told of a newcomer can write to it.
      if (this.greets && m === this.senders[0]) {
        m.send(`{"action":"message","target":"${o.target}","data":"hello"}`);
        this.sent++;
      }
      break;
    case 'disconnect':
      if (!m.present.delete(o.target))
        bad('disconnected, but never connected');
      break;
    case 'error':
      if (o.code !== 'unknown-target' || m.present.has(o.target))
        bad('error');
      this.rejected++;
      break;
    case 'broadcast':
    case 'message':
      if (!m.present.has(o.source))
        bad('a message before its sender');
      if (o.data === 'hello') {
        if (m.greeted.has(o.source))
          bad('twice');
        m.greeted.add(o.source);
        break;
      }
      this.#number(m, o, bad);
      break;
    default:
      if (o.action !== 'status')
        bad('unknown');
    }
  }

  #number(m, o, bad) {
    const sender = this.senders.find((s) => s.name === o.source);
    const last = m.last.get(o.source);
    if (o.action === 'message' && m !== this.watchers[0])
      bad('meant for another');
    if (last !== undefined && o.data !== this.#after(m, sender, last))
      bad(`after ${last}`);
    // The first: 0 for those who were there, else what was sent after the
    // newcomer had been let in, or something before that.
    const latest = m.from.get(o.source);
    if (last === undefined && (m.whole ? o.data !== 0
      : latest !== undefined && o.data > this.#after(m, sender, latest - 1)))
      bad(`begins late, ${latest} had been sent`);
    m.last.set(o.source, o.data);
    if (o.action === 'broadcast')
      m.order.push(`${o.source} ${o.data}`);
    if (m === this.watchers[0])
      this.pump();
  }

  /** Sends what the watcher keeps up with. */
  pump() {
    if (this.stopped)
      return;
    for (const s of this.senders)
      while (s.next - 1 - (this.watchers[0].last.get(s.name) ?? -1) < WINDOW)
        this.say(s);
  }

  /** A member comes, hears, speaks, and goes again or stays. */
  async visit(stays) {
    const m = await open(this.d, this.channel);
    m.from = new Map(this.senders.map((s) => [s.name, s.next]));
    await introduce(m);
    this.watch(m, false);
    for (let i = 0; i < 20; i++)
      this.say(m);
    await waitUntil(() => this.senders.every((s) => m.last.get(s.name)
      > m.from.get(s.name)), 'the newcomer to hear', 15000);
    await waitUntil(() => this.watchers.every((w) => w.last.get(m.name)
      === m.next - 1), 'the newcomer to be heard', 15000);
    await waitUntil(() => m.greeted.has(this.senders[0].name),
      'the newcomer to be greeted', 15000);
    if (stays)
      return m;
    await m.close();
    return undefined;
  }

  /** All that was sent has come. */
  async stop() {
    this.stopped = true;
    await waitUntil(() => this.senders.every((s) => this.watchers.every((w) => {
      const end = w !== this.watchers[0] && s.next % 3 === 0 ? s.next - 2
        : s.next - 1;
      return w.last.get(s.name) === end;
    })), 'the last messages', 15000);
  }
}

async function round(d) {
  const { name, members, home } = await openTogether(d, 4);
  const r = new Round(d, name);
  r.senders = members.slice(0, 2);
  r.watchers = members.slice(2);
  members.forEach((m) => r.watch(m, true));
  await waitUntil(() => members.every((m) => m.present.size === 3),
    'all to know each other');
  r.greets = true;
  const routed = await d.counter('router_broadcasts_total');
  r.pump();
  await waitUntil(() => r.watchers[0].order.length > 3 * WINDOW, 'a stream');
  assert.equal(await d.counter('router_broadcasts_total'), routed,
    'the router was asked');
  const stay = [];
  let elsewhere = 0;
  await Promise.all(Array.from({ length: JOINERS }, async (_, i) => {
    for (let k = 0; k < CYCLES; k++) {
      const m = await r.visit(k === CYCLES - 1);
      if (m === undefined)
        continue;
      stay.push(m);
      elsewhere += (await placesOf(d)).get(m.name) !== home;
    }
  }));
  assert.ok(elsewhere > 0, 'nobody was on another frontend');
  await r.stop();
  for (const m of [...members, ...stay])
    await m.send({ action: 'status' });
  await Promise.all(stay.map((m) => waitUntil(() => r.senders.every((s) =>
    m.last.get(s.name) >= s.next - (s.next % 3 === 0 ? 2 : 1)),
  'the last messages')));
  assert.deepEqual(r.wrong.slice(0, 5), []);
  assert.deepEqual(r.watchers[1].order, r.watchers[0].order);
  for (const m of stay) {
    const all = r.watchers[0].order.filter((x) => !x.startsWith(`${m.name} `));
    const at = all.indexOf(m.order[0]);
    assert.deepEqual(m.order, all.slice(at), 'another order');
  }
  assert.ok(await d.counter('router_broadcasts_total') > routed);
  const row = (await d.show('channels')).find((c) => c.channel === name);
  assert.equal(row.messages, r.sent);
  assert.equal(row.members, members.length + stay.length);
  await closeAll([...members, ...stay]);
  return r.sent;
}

for (const prefork of [2, 3]) {
  describe(`channels move to the router, prefork ${prefork}`, () => {
    const holder = useDaemon('', { prefork });

    test('nothing is lost, doubled or out of order', async (t) => {
      let sent = 0;
      for (let i = 0; i < ROUNDS; i++)
        sent += await round(holder.d);
      t.diagnostic(`${sent} messages`);
    });

    // Many channels at once, on both sides at once: frontends want each
    // other's leases at the same moment.
    test('frontends that want each other\'s channels', async () => {
      const { d } = holder;
      for (let i = 0; i < ROUNDS; i++) {
        const names = Array.from({ length: 40 },
          () => `crossed-${++serial}-${process.pid}`);
        const first = await openMembers(names.length,
          (k) => enter(d, names[k]), 8);
        const second = await openMembers(names.length,
          (k) => enter(d, names[k]), 40);
        await Promise.all(names.map(async (_, k) => {
          second[k].send({ action: 'message', target: first[k].name, data: k });
          assert.equal((await first[k].action('message')).data, k);
          first[k].send({ action: 'broadcast', data: k });
          assert.equal((await second[k].action('broadcast')).data, k);
        }));
        await closeAll([...first, ...second]);
      }
      assert.equal(await d.counter('router_stuck_total'), 0);
      assert.doesNotMatch(d.log, /given up/);
    });

    // The one who just came is a member for all who learn of it, by whatever
    // means.
    test('a broadcast right after a join reaches the newcomer', async () => {
      const { d } = holder;
      for (let i = 0; i < 30; i++) {
        const name = `at-once-${++serial}-${process.pid}`;
        const a = await enter(d, name);
        const b = await Member.open(listeners(d)['127.0.0.1'], `/${name}`);
        a.send({ action: 'broadcast', data: i });
        assert.equal((await b.action('broadcast')).data, i);
        await closeAll([a, b]);
      }
    });
  });
}
