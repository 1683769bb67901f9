/** Types of nws.mjs; README.md explains. */

/** Text and other JSON values arrive as text, bytes as Blob or ArrayBuffer. */
export type Sendable = string | ArrayBufferLike | ArrayBufferView | Blob
  | number | boolean | null | object;

export type ErrorCode =
  /** No connection came about. */
  | "browser-denied" | "not-granted" | "not-running" | "refused"
  | "token-needed" | "not-nwsd"
  /** A connection ended. */
  | "lost" | "too-large" | "too-slow" | "closed"
  /** A message was not sent. */
  | "queue-full" | "blob-unreadable"
  /** Said by nwsd about a message; the connection goes on. */
  | "unknown-target" | "not-json" | "unknown-action" | "bad-target"
  | "too-fast" | "missed" | "not-envelope"
  /** A code of a later nwsd. */
  | `error-${number}`;

export class NetworkWebSocketError extends Error {
  constructor(code: ErrorCode, message: string, more?: object);
  readonly code: ErrorCode;
  /** not-granted: where the person grants the origin. */
  readonly page?: string;
  /** What nwsd answered, where the WebSocket constructor tells. */
  readonly status?: number;
  /** The close code and reason of a connection that ended. */
  readonly closeCode?: number;
  readonly reason?: string;
  /** unknown-target: the id. */
  readonly target?: string;
  /** missed: how many messages. */
  readonly count?: number;
}

export interface PeerMessageEvent extends MessageEvent {
  /** string, Blob or ArrayBuffer, see binaryType. */
  readonly data: any;
  /** The id of who sent it. */
  readonly senderId: string;
  /** Sent to us alone. */
  readonly direct: boolean;
}

export interface SocketErrorEvent extends Event {
  readonly error: NetworkWebSocketError;
  readonly message: string;
}

/** A CloseEvent, where there is one. */
export interface SocketCloseEvent extends Event {
  readonly code: number;
  readonly reason: string;
  readonly wasClean: boolean;
}

export type PeerEvent = CustomEvent<{ target: NetworkWebSocketPeer }>;

export type ReconnectingEvent = CustomEvent<{
  /** 1, 2, ... since the last connection that lasted. */
  attempt: number;
  /** Milliseconds; Infinity: not before something changes. */
  delay: number;
  error: NetworkWebSocketError;
}>;

export interface SocketEvents {
  open: Event;
  message: PeerMessageEvent;
  error: SocketErrorEvent;
  close: SocketCloseEvent;
}

export interface ChannelEvents extends SocketEvents {
  connect: PeerEvent;
  disconnect: PeerEvent;
  reconnecting: ReconnectingEvent;
}

type Handler<T, E> = ((this: T, event: E) => any) | null;

// Not by name: Node has the same without those names.
type Listener = Parameters<EventTarget["addEventListener"]>[1];
type AddOptions = Parameters<EventTarget["addEventListener"]>[2];
type RemoveOptions = Parameters<EventTarget["removeEventListener"]>[2];

interface SocketLike<Events extends SocketEvents> extends EventTarget {
  readonly CONNECTING: 0;
  readonly OPEN: 1;
  readonly CLOSING: 2;
  readonly CLOSED: 3;
  readonly id: string;
  readonly url: string;
  readonly protocol: string;
  readonly extensions: string;
  readonly readyState: 0 | 1 | 2 | 3;
  readonly bufferedAmount: number;
  binaryType: "blob" | "arraybuffer";
  onopen: Handler<this, Event>;
  onmessage: Handler<this, PeerMessageEvent>;
  onerror: Handler<this, SocketErrorEvent>;
  onclose: Handler<this, SocketCloseEvent>;
  send(data: Sendable): void;
  close(code?: number, reason?: string): void;
  addEventListener<K extends keyof Events>(type: K,
    listener: (this: this, event: Events[K]) => any,
    options?: AddOptions): void;
  addEventListener(type: string, listener: Listener,
    options?: AddOptions): void;
  removeEventListener<K extends keyof Events>(type: K,
    listener: (this: this, event: Events[K]) => any,
    options?: RemoveOptions): void;
  removeEventListener(type: string, listener: Listener,
    options?: RemoveOptions): void;
}

/** One other member of a channel: what it and we send to each other alone. */
export interface NetworkWebSocketPeer extends SocketLike<SocketEvents> {}

export interface NetworkWebSocketOptions {
  /** Address of nwsd, such as "http://localhost:9009". */
  server?: string | URL;
  /** false: never; otherwise the pauses, in milliseconds (500 to 30000). */
  reconnect?: boolean | { min?: number; max?: number };
  /** Bytes that wait to be sent while not connected, at most (1 MiB). */
  queue?: number;
  /** false: neither shown to others nor told of them. */
  presence?: boolean;
  /** In place of the global one. */
  WebSocket?: new (url: string, protocols?: string | string[]) => any;
}

/** A member of a channel. */
export interface NetworkWebSocket extends SocketLike<ChannelEvents> {
  readonly peers: NetworkWebSocketPeer[];
  readonly ready: Promise<this>;
  onconnect: Handler<this, PeerEvent>;
  ondisconnect: Handler<this, PeerEvent>;
  onreconnecting: Handler<this, ReconnectingEvent>;
  sendTo(id: string, data: Sendable): void;
}

export class NetworkWebSocket {
  constructor(channel: string, protocols?: string | string[],
    options?: NetworkWebSocketOptions);
  /** Where to connect when options.server says nothing. */
  static server: string;
  static readonly CONNECTING: 0;
  static readonly OPEN: 1;
  static readonly CLOSING: 2;
  static readonly CLOSED: 3;
}
