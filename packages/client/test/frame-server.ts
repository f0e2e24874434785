import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { encodeFrame, FrameDecoder } from '../src/transport/frame.js';

export interface Received {
  readonly id: string;
  readonly pattern: string;
  readonly data: Record<string, unknown>;
}

/** `undefined` leaves the request without a reply. */
export type Answer = { readonly response: unknown } | { readonly err: unknown } | undefined;
export type Answerer = (request: Received, socket: Socket) => Answer | Promise<Answer>;

/** A real TCP server that speaks the service's frame and answers as the test says. */
export class FrameServer {
  readonly received: Received[] = [];
  readonly sockets = new Set<Socket>();
  /** Where it listens, or listened. */
  port = 0;
  private readonly server: Server;

  private constructor(public answer: Answerer) {
    this.server = createServer((socket) => this.serve(socket));
  }

  static async start(answer: Answerer, port = 0): Promise<FrameServer> {
    const server = new FrameServer(answer);
    await new Promise<void>((resolve) => server.server.listen(port, '127.0.0.1', resolve));
    server.port = (server.server.address() as AddressInfo).port;
    return server;
  }

  /** Breaks every connection at once. */
  cut(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  async stop(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private serve(socket: Socket): void {
    const decoder = new FrameDecoder();
    this.sockets.add(socket);
    socket.on('close', () => this.sockets.delete(socket));
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => {
      for (const frame of decoder.push(chunk))
        void this.handle(JSON.parse(frame) as Received, socket);
    });
  }

  private async handle(request: Received, socket: Socket): Promise<void> {
    this.received.push(request);
    const answer = await this.answer(request, socket);
    if (!answer || socket.destroyed) return;
    socket.write(encodeFrame(JSON.stringify({ ...answer, isDisposed: true, id: request.id })));
  }
}

/** What a service that accepts everything answers to one command. */
export function accept(name: string, args: { readonly id?: string }, offset = 1) {
  return {
    taskId: args.id,
    taskType: 'publish',
    status: 'running',
    revision: 1,
    position: position(offset),
    events: [{ id: name, type: name, revision: 1 }],
  };
}

export function position(offset: number, log = '0000abcd'): string {
  return `${log}:${String(offset).padStart(20, '0')}`;
}

interface Item {
  readonly command: string;
  readonly args: { readonly id: string };
}

/** Answers every command, alone or in a batch. */
export const acceptAll: Answerer = ({ pattern, data }) => {
  const name = pattern.split('.')[2] ?? '';
  if (name !== 'batch') return { response: accept(name, data) };
  const commands = data.commands as Item[];
  return {
    response: { results: commands.map(({ command, args }) => ({ ok: accept(command, args) })) },
  };
};
