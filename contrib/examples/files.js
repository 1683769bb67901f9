// Files from browser to browser.  Each has a WebRTC data channel of its own,
// whose label is the offer.  Who is to have the file asks for "more" until all
// of it and its digest is there: that is to accept, and no sender is too fast
// for its reader.  Who declines or cancels closes the data channel.
import { NetworkWebSocket } from '/nws.mjs';
import { $, channelName, parse, personName, showStatus } from './page.js';
import { connectTo } from './rtc.js';

const BLOCK = 64 * 1024;        // what every browser takes as one message
const ws = new NetworkWebSocket(channelName('files'));
const myName = personName((name) => ws.peers.forEach((p) => p.send({ name })));

showStatus(ws);

ws.onconnect = ({ detail: { target: peer } }) => {
  const { pc } = connectTo(peer, ws.id);
  const [card, title, input] = copy('person', 'h3, input');
  const person = { peer };
  const call = (name) => {
    title.textContent = person.name = name.slice(0, 40);
    input.ariaLabel = `Files for ${person.name}`;
  };

  call(`Member ${peer.id.slice(0, 4)}`);
  peer.send({ name: myName() });
  peer.addEventListener('message', ({ data }) => {
    const { name } = parse(data);
    if (typeof name === 'string' && name.trim() !== '')
      call(name);
  });
  input.onchange = () => {      // files that are dropped on it, too
    for (const file of input.files)
      run(person, pc.createDataChannel(JSON.stringify({ name: file.name,
        size: file.size })), file);
    input.value = '';           // the same file again is a change, too
  };
  pc.ondatachannel = ({ channel }) => run(person, channel);
  peer.addEventListener('close', () => card.remove());
  $('people').append(card);
};

/** One transfer, with its row on the page.  Only the sender has a file. */
async function run({ peer, name: who }, channel, file) {
  const { name, size } = parse(channel.label);
  const [row, text, bar, yes, no, save] = copy('transfer',
    'p, progress, button, a');
  const say = (what) => {
    text.textContent = `${name}, ${size < 1e6 ? `${Math.ceil(size / 1e3)} kB`
      : `${(size / 1e6).toFixed(1)} MB`}: ${what}`;
  };
  // What arrives, to be waited for; an end of the data channel ends the wait.
  const inbox = new ReadableStream({ start: (queue) => {
    channel.binaryType = 'arraybuffer';
    channel.onmessage = ({ data }) => queue.enqueue(data);
    channel.onclose = () => queue.error(new Error('declined or cancelled'));
    peer.addEventListener('close', () => queue.error(
      new Error('the connection was lost')));
  } }).getReader();
  const next = async () => (await inbox.read()).value;
  const progress = (done) => {
    if (bar.hidden)
      say(`${file ? 'to' : 'from'} ${who}`);
    bar.hidden = false;
    bar.value = done / size;
  };

  no.onclick = () => channel.close();
  $('transfers').prepend(row);
  try {
    if (file) {
      say(`${who} is asked`);
      const verdict = await send(channel, file, next, progress);
      say(verdict === 'whole' ? `${who} has it`
        : 'arrived damaged. Send it again.');
    } else {
      say(`${who} offers it to you`);
      yes.ariaLabel = `Accept ${name} from ${who}`;
      yes.hidden = false;
      no.textContent = 'Decline';
      await Promise.race([inbox.closed,
        new Promise((resolve) => yes.addEventListener('click', resolve))]);
      yes.hidden = true;
      no.textContent = 'Cancel';
      save.href = URL.createObjectURL(await receive(channel, size, next,
        progress));
      save.download = name;
      save.textContent = `Save ${name}`;
      save.hidden = false;
      say(`from ${who}, whole`);
    }
  } catch (error) {
    say(error.message);
  }
  yes.hidden = no.hidden = bar.hidden = true;
  // The last word of the receiver may be on its way: the sender closes.
  if (file)
    channel.close();
}

/** Gives block after block while it is asked; returns what is said at last. */
async function send(channel, file, next, progress) {
  let at = 0, digest = new Uint8Array(32), word;
  while ((word = await next()) === 'more') {
    if (at < file.size) {
      // Read as it is sent: a file may be larger than memory.
      const block = await file.slice(at, at + BLOCK).arrayBuffer();
      digest = await chain(digest, block);
      channel.send(block);
      progress(at += block.byteLength);
    } else {
      channel.send(digest);
    }
  }
  return word;
}

/** Returns a Blob: of no type, so that none runs as a page of this origin. */
async function receive(channel, size, next, progress) {
  let parts = [], got = 0, digest = new Uint8Array(32);
  const more = () => {
    channel.send('more');
    return next();
  };
  while (got < size) {
    const block = await more();
    digest = await chain(digest, block);
    parts.push(block);
    if (parts.length === 256)   // browsers put large Blobs on disk
      parts = [new Blob(parts)];
    progress(got += block.byteLength);
  }
  const theirs = new Uint8Array(await more());
  const whole = got === size && digest.every((byte, i) => byte === theirs[i]);
  channel.send(whole ? 'whole' : 'damaged');
  if (!whole)
    throw new Error('it arrived damaged');
  return new Blob(parts);
}

/** SHA-256 over what was before and a block: order and length count, too. */
async function chain(digest, block) {
  const both = new Uint8Array(digest.length + block.byteLength);
  both.set(digest);
  both.set(new Uint8Array(block), digest.length);
  return new Uint8Array(await crypto.subtle.digest('SHA-256', both));
}

/** A copy of a template of the page, and elements of it. */
function copy(id, selectors) {
  const top = $(id).content.firstElementChild.cloneNode(true);
  return [top, ...top.querySelectorAll(selectors)];
}
