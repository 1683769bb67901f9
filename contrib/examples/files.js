// Files from browser to browser.  Each has a WebRTC data channel of its own,
// whose label is the offer.  To ask for its first block is to accept; who
// declines or cancels closes the data channel.
import { NetworkWebSocket } from '/nws.mjs';
import { $, channelName, parse, personName, showStatus } from './page.js';
import { connectTo } from './rtc.js';
import { inboxOf, receive, send } from './transfer.js';

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
  const inbox = inboxOf(channel, peer);
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
      const verdict = await send(channel, file, inbox, progress);
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
      save.href = URL.createObjectURL(await receive(channel, size, inbox,
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

/** A copy of a template of the page, and elements of it. */
function copy(id, selectors) {
  const top = $(id).content.firstElementChild.cloneNode(true);
  return [top, ...top.querySelectorAll(selectors)];
}
