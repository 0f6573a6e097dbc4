/**
 * Runs inside the namespace of a machine and does what people do at it: ping, open a connection, send
 * a datagram, offer a service. Told what to do, and tells what came of it, over its IPC channel.
 * A process of its own, because sockets belong to the namespace of the process that opens them.
 */
import * as dgram from 'node:dgram';
import * as net from 'node:net';
import type { Answer, Request } from './agent-words.ts';
import { openEchoes } from './raw-probe.ts';

const tcpPatience = 150_000;
const udpPatience = 5_000;

const tell = (answer: Answer): void => {
  process.send?.(answer);
};

const codeOf = (error: Error): string => (error as NodeJS.ErrnoException).code ?? error.message;

const echoes = openEchoes((echo) => tell({ what: 'echo', ...echo }));

function connect({ id, to, port, send, expect }: Extract<Request, { ask: 'tcp' }>): void {
  const socket = net.connect({ host: to, port });
  tell({ what: 'begun', id });
  let received = 0;
  let acknowledged = 0;
  let ended = false;
  const done = (error?: string): void => {
    if (ended) return;
    ended = true;
    clearTimeout(patience);
    tell({ what: 'tcp', id, received, acknowledged, ...(error !== undefined && { error }) });
    if (error === undefined) socket.end();
    else socket.destroy();
  };
  const patience = setTimeout(done, tcpPatience, 'ETIMEDOUT');
  const look = (): void => {
    if (received >= expect && acknowledged === send) done();
  };
  socket.on('connect', () =>
    socket.write(new Uint8Array(send), () => {
      acknowledged = send;
      look();
    }),
  );
  socket.on('data', (bytes) => {
    received += bytes.length;
    look();
  });
  socket.on('end', () => done(received >= expect ? undefined : 'ESHORT'));
  socket.on('error', (error) => done(codeOf(error)));
}

function ask({ id, to, port }: Extract<Request, { ask: 'udp' }>): void {
  const socket = dgram.createSocket('udp4');
  const done = (error?: string): void => {
    clearTimeout(patience);
    tell({ what: 'udp', id, ...(error !== undefined && { error }) });
    socket.removeAllListeners().on('error', () => {});
    socket.close();
  };
  const patience = setTimeout(done, udpPatience, 'ETIMEDOUT');
  socket.on('error', (error) => done(codeOf(error)));
  socket.on('message', () => done());
  // Connected, so that the system tells what ICMP says.
  socket.connect(port, to, () => {
    socket.send(Uint8Array.from({ length: 32 }, (_, i) => i));
    tell({ what: 'begun', id });
  });
}

/** Sends back what comes, and closes when the client does. */
function serveTcp(port: number): void {
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    socket.pipe(socket);
  });
  server.on('error', (error) => tell({ what: 'broken', because: `tcp/${port}: ${codeOf(error)}` }));
  server.listen(port, '0.0.0.0');
}

function serveUdp(port: number): void {
  const socket = dgram.createSocket('udp4');
  socket.on('message', (bytes, { address, port: from }) => socket.send(bytes, from, address));
  socket.on('error', (error) => tell({ what: 'broken', because: `udp/${port}: ${codeOf(error)}` }));
  socket.bind(port);
}

const listening = new Map<number, dgram.Socket>();

function listen(port: number): void {
  const socket = dgram.createSocket('udp4');
  listening.set(port, socket);
  socket.on('message', (bytes, { address: from, port: fromPort }) =>
    tell({ what: 'datagram', port, from, fromPort, hex: bytes.toString('hex') }),
  );
  socket.on('error', (error) => tell({ what: 'broken', because: `udp/${port}: ${codeOf(error)}` }));
  socket.bind(port);
}

function leave(port: number): void {
  listening.get(port)?.close();
  listening.delete(port);
}

function send({ from, to, port, hex }: Extract<Request, { ask: 'send' }>): void {
  listening.get(from)?.send(Buffer.from(hex, 'hex'), port, to, () => {}); // lost, if it cannot leave
}

process.on('disconnect', () => process.exit(0));
process.on('message', (request: Request) => {
  switch (request.ask) {
    case 'echo':
      void echoes.then((open) => open.send(request));
      break;
    case 'tcp':
      connect(request);
      break;
    case 'udp':
      ask(request);
      break;
    case 'serve':
      if (request.protocol === 'tcp') serveTcp(request.port);
      else serveUdp(request.port);
      break;
    case 'listen':
      listen(request.port);
      break;
    case 'leave':
      leave(request.port);
      break;
    case 'send':
      send(request);
      break;
  }
});
