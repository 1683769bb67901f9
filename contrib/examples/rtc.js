// A WebRTC connection to one peer of a channel.  WebRTC carries video, sound
// and files straight from browser to browser, but the two have to exchange
// addresses and formats first ("signalling").  Usually a server does that; here
// it goes through the direct messages of the channel.
import { parse } from './page.js';

/**
 * Both ends call this for each other.  There is no caller and no called: who
 * adds a track offers, and if both do so at once the polite one of them gives
 * way ("perfect negotiation", W3C WebRTC 1.0, 10.7).
 *
 * Returns the connection, and a data channel that both ends have from the
 * start: notes.
 */
export function connectTo(peer, myId) {
  // No STUN or TURN servers: both ends are on one network.
  const pc = new RTCPeerConnection();
  // Exactly one of two is polite, and both know which.
  const polite = BigInt(myId) < BigInt(peer.id);
  let offering = false, answered = false, ignoring = false;
  // As both know that it is there (number 0), it waits for no event.  With it
  // the first offer is good for all data channels that are made later.
  const notes = pc.createDataChannel('notes', { negotiated: true, id: 0 });
  const tell = (message) => peer.readyState <= peer.OPEN && peer.send(message);

  pc.onnegotiationneeded = async () => {
    if (polite && !pc.remoteDescription)
      return;                   // both want the same at first: one offers it
    offering = true;
    await pc.setLocalDescription();
    offering = false;
    tell({ description: pc.localDescription });
  };
  pc.onicecandidate = ({ candidate }) => candidate && tell({ candidate });
  pc.oniceconnectionstatechange = () => {
    if (pc.iceConnectionState === 'failed')
      pc.restartIce();          // such as after a change of the Wi-Fi
  };

  async function receive({ description, candidate }) {
    if (description) {
      // An answer that is being taken in leaves nothing to collide with.
      const collision = description.type === 'offer'
        && (offering || !(pc.signalingState === 'stable' || answered));
      ignoring = collision && !polite;
      if (ignoring)
        return;
      answered = description.type === 'answer';
      await pc.setRemoteDescription(description);
      answered = false;
      if (description.type === 'offer') {
        await pc.setLocalDescription();
        tell({ description: pc.localDescription });
      }
    } else if (candidate && !ignoring) {
      await pc.addIceCandidate(candidate);
    }
  }
  peer.addEventListener('message', (e) => {
    receive(parse(e.data)).catch((error) => console.warn('signalling:', error));
  });
  // When the peer has left the channel, or we lost it: with a connection anew
  // it comes again, as another peer, and all begins again.
  peer.addEventListener('close', () => pc.close());
  return { pc, notes };
}
