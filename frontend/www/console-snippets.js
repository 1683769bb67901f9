/** How a program joins a channel, for each language. */

/** A word of any shell: * [ and, where zsh begins with it, = need quotes. */
const word = (s) => /^=|[*[]/.test(s) ? `'${s}'` : s;

/** server: http://localhost:9009; channel: a valid name. */
export function snippet(language, server, channel) {
  const url = `${server.replace(/^http/, 'ws')}/${channel}`;
  const { host } = new URL(server);
  const name = `${host === 'localhost:9009' ? '' : `-H ${word(host)} `}`
    + `${channel.startsWith('-') ? '-- ' : ''}${word(channel)}`;
  switch (language) {
  case 'browser':
    return `<script src="${server}/nws.js"></script>
<script>
  const ws = new NetworkWebSocket("${channel}");
  ws.onopen = () => ws.send("hello, everyone");
  ws.onmessage = (e) => console.log(e.senderId, e.data);
  ws.onconnect = ({ detail: { target: peer } }) => {
    peer.onmessage = (e) => console.log("only for me:", e.data);
    peer.send("hello, you");
  };
</script>`;
  case 'node':
    return `// npm install ws
import WebSocket from "ws";

const ws = new WebSocket("${url}");
ws.on("open", () => ws.send(JSON.stringify(
  { action: "broadcast", data: "hello, everyone" })));
ws.on("message", (text) => {
  const { action, source, data } = JSON.parse(text);
  if (action === "broadcast" || action === "message")
    console.log(source, data);
});`;
  case 'python':
    return `# pip install websockets
import asyncio, json, websockets

async def main():
    async with websockets.connect("${url}") as ws:
        await ws.send(json.dumps(
            {"action": "broadcast", "data": "hello, everyone"}))
        async for text in ws:
            m = json.loads(text)
            if m["action"] in ("broadcast", "message"):
                print(m["source"], m["data"])

asyncio.run(main())`;
  default:
    return `# nws comes with nwsd: each line that you type is a message
nws ${name}

# one message, from a script
echo "hello, everyone" | nws -p ${name}

# without nws
echo '{"action":"broadcast","data":"hello, everyone"}' |
    websocat ${word(url)}`;
  }
}
