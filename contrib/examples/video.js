// A video call of everyone on a channel, each with each.  The channel only
// introduces them: picture, sound and notes go from browser to browser.
import { NetworkWebSocket } from '/nws.mjs';
import { $, channelName, element, logWriter, parse, personName, showStatus }
  from './page.js';
import { connectTo } from './rtc.js';

const channel = channelName('video');
const write = logWriter();
const notes = new Map();        // open data channels, by peer
const tellAll = (message) => notes.forEach((n) =>
  n.readyState === 'open' && n.send(JSON.stringify(message)));
const myName = personName((name) => tellAll({ name }));
let ws, stream;

$('join').onclick = async () => {
  $('problem').textContent = '';
  try {
    join(await camera());
  } catch (error) {
    $('problem').textContent = 'There is no picture or sound of you '
      + `(${error.message}). You can join without.`;
  }
};
$('watch').onclick = () => join(new MediaStream());

/** Picture and sound, or the one of them that this machine has. */
async function camera() {
  for (const wish of [{ video: true, audio: true }, { video: true }])
    try {
      return await navigator.mediaDevices.getUserMedia(wish);
    } catch (error) {
      if (error.name !== 'NotFoundError')
        throw error;
    }
  return navigator.mediaDevices.getUserMedia({ audio: true });
}

function join(mine) {
  if (ws) {                     // a button was pressed twice
    mine.getTracks().forEach((track) => track.stop());
    return;
  }
  stream = mine;
  const me = tile('You');
  me.figure.className = 'me';
  me.video.muted = true;        // nobody wants to hear himself
  me.video.srcObject = stream;
  // Said so, or browsers pause what is muted and was not in sight.
  me.video.play().catch(() => {});
  $('mute').disabled = stream.getAudioTracks().length === 0;
  $('blank').disabled = stream.getVideoTracks().length === 0;
  $('before').hidden = true;
  $('call').hidden = false;
  $('leave').focus();

  ws = new NetworkWebSocket(channel);
  showStatus(ws);
  ws.onconnect = ({ detail: { target: peer } }) => meet(peer);
}

function meet(peer) {
  const { figure, video, caption } = tile('Connecting…');
  const { pc, notes: note } = connectTo(peer, ws.id);
  let name = `Member ${peer.id.slice(0, 4)}`;

  pc.ontrack = ({ streams }) => {
    video.srcObject = streams[0];
  };
  pc.onconnectionstatechange = () => {
    caption.textContent = pc.connectionState === 'connected' ? name
      : `${name}: ${pc.connectionState}`;
  };
  notes.set(peer, note);
  note.onopen = () => {
    note.send(JSON.stringify({ name: myName() }));
    // What is added to a connection needs no more than another offer.
    for (const track of stream.getTracks())
      pc.addTrack(track, stream);
  };
  note.onmessage = ({ data }) => {
    const message = parse(data);
    if (typeof message.name === 'string') {
      name = message.name.slice(0, 40) || name;
      caption.textContent = name;
      video.ariaLabel = `Video of ${name}`;
    } else if (typeof message.text === 'string') {
      write('', message.text, name);
    }
  };
  peer.onclose = () => {
    notes.delete(peer);
    figure.remove();
  };
}

function tile(name) {
  const video = element('video', { autoplay: true, playsInline: true,
    ariaLabel: `Video of ${name}` });
  const caption = element('figcaption', {}, name);
  const figure = element('figure', {}, video, caption);
  $('tiles').append(figure);
  return { figure, video, caption };
}

/** A switch for tracks of ours: switched off, black or silence is sent. */
function toggle(button, tracks) {
  button.onclick = () => {
    const off = button.ariaPressed !== 'true';
    button.ariaPressed = `${off}`;
    tracks().forEach((track) => {
      track.enabled = !off;
    });
  };
}
toggle($('mute'), () => stream.getAudioTracks());
toggle($('blank'), () => stream.getVideoTracks());

$('leave').onclick = () => {
  ws.close();                   // and with it all peers and their connections
  stream.getTracks().forEach((track) => track.stop());
  location.reload();
};

$('say').onsubmit = (e) => {
  e.preventDefault();
  tellAll({ text: e.target.text.value });
  write('mine', e.target.text.value, 'You');
  e.target.reset();
};
