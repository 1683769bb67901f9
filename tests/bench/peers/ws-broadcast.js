// Broadcast server on the node package ws: what one member of a channel
// (request path) sends, all others receive.
// Usage: node ws-broadcast.js PORT [cork]
//
// With cork, what is sent to a member in one turn of the event loop goes in
// one write; without, each message is written at once.
'use strict';
const { WebSocketServer } = require('ws');

const cork = process.argv[3] === 'cork';
const channels = new Map();
const corked = [];

function uncork() {
	for (const socket of corked)
		socket.uncork();
	corked.length = 0;
}

function send(member, data, binary) {
	if (cork && member.socket.writableCorked === 0) {
		if (corked.length === 0)
			setImmediate(uncork);
		member.socket.cork();
		corked.push(member.socket);
	}
	member.ws.send(data, { binary });
}

const server = new WebSocketServer({
	host: '127.0.0.1', port: Number(process.argv[2]), backlog: 4096,
	perMessageDeflate: false, clientTracking: false,
});

server.on('connection', (ws, request) => {
	const path = request.url;
	const self = { ws, socket: request.socket };
	let members = channels.get(path);

	if (members === undefined)
		channels.set(path, members = new Set());
	members.add(self);
	ws.on('message', (data, binary) => {
		for (const member of members)
			if (member !== self)
				send(member, data, binary);
	});
	ws.on('close', () => {
		members.delete(self);
		if (members.size === 0)
			channels.delete(path);
	});
	ws.on('error', () => {});
});
