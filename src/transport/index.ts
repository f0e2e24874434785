/** TCP and NATS: what `main.ts` starts, and what operates it. */
export { IncomingRequest } from './incoming-request.js';
export { MessageShape } from './message-shape.js';
export { RequestGate } from './request-gate.js';
export { Requests } from './requests.js';
export { serve, type Serving } from './serve.js';
export { TransportModule } from './transport.module.js';
export type { Messages } from './message-controllers.js';
