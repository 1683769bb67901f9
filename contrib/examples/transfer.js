// A file through a WebRTC data channel of its own.  Its receiver asks for
// "more" until all of it and its digest is there: so no sender is too fast for
// its reader, and memory of the sender holds a block at a time.
const BLOCK = 64 * 1024;        // what every browser takes as one message

/**
 * What arrives, to be waited for with read(); an end of the data channel, or of
 * the peer, ends the wait with an error.
 */
export function inboxOf(channel, peer) {
  return new ReadableStream({ start: (queue) => {
    channel.binaryType = 'arraybuffer';
    channel.onmessage = ({ data }) => queue.enqueue(data);
    channel.onclose = () => queue.error(new Error('declined or cancelled'));
    peer.addEventListener('close', () => queue.error(
      new Error('the connection was lost')));
  } }).getReader();
}

/** Gives block after block while it is asked; returns what is said at last. */
export async function send(channel, file, inbox, progress) {
  let at = 0, digest = new Uint8Array(32), word;
  while ((word = (await inbox.read()).value) === 'more') {
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
export async function receive(channel, size, inbox, progress) {
  let parts = [], got = 0, digest = new Uint8Array(32);
  const more = async () => {
    channel.send('more');
    return (await inbox.read()).value;
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
