import { type handleUnaryCall, type sendUnaryData } from '@grpc/grpc-js';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Member } from '../fault-settings.js';
import { features, gossip, shared, streamsService } from '../generated.js';
import { fromFault } from './errors.js';
import { type Node } from './node.js';

/** The release whose behaviour this server follows. */
const SERVER_VERSION = '24.10.0';

/** ServerFeatures.GetSupportedMethods: by it the client knows whether it may send BatchAppend. */
export const supportedMethods =
  (node: Node): handleUnaryCall<shared.Empty, features.SupportedMethods> =>
  (call, callback) =>
    answer(node, 'features', call, callback, () => {
      const methods = Object.values(streamsService.StreamsService)
        .map(({ path }) => path.slice(1).toLowerCase().split('/'))
        .filter(([, method]) => !(node.faults.withoutBatchAppend && method === 'batchappend'))
        .map(([service, method]) =>
          // Server: names are told in lower case (ServerFeatures).
          new features.SupportedMethod().setServiceName(service!).setMethodName(method!),
        );
      const answer = new features.SupportedMethods().setMethodsList(methods);
      return answer.setEventStoreServerVersion(SERVER_VERSION);
    });

/** Gossip.Read: who is in the cluster; alone, this node is its leader. */
export const readGossip =
  (node: Node): handleUnaryCall<shared.Empty, gossip.ClusterInfo> =>
  (call, callback) =>
    answer(node, 'gossip', call, callback, () => {
      const alone: Member = { host: '127.0.0.1', port: node.port(), state: 'leader' };
      const members = node.faults.members ?? [alone];
      return new gossip.ClusterInfo().setMembersList(members.map(toMemberInfo));
    });

function toMemberInfo({ host, port, state, alive = true }: Member): gossip.MemberInfo {
  const info = new gossip.MemberInfo();
  const id = port.toString(16).padStart(12, '0');
  info.setInstanceId(new shared.UUID().setString(`00000000-0000-4000-8000-${id}`));
  info.setTimeStamp(`${Date.now()}0000`);
  info.setState(STATES[state]);
  info.setIsAlive(alive);
  info.setHttpEndPoint(new gossip.EndPoint().setAddress(host).setPort(port));
  return info;
}

const STATES = {
  leader: gossip.MemberInfo.VNodeState.LEADER,
  follower: gossip.MemberInfo.VNodeState.FOLLOWER,
  'read-only-replica': gossip.MemberInfo.VNodeState.READONLYREPLICA,
} as const;

function answer<Response>(
  node: Node,
  method: 'features' | 'gossip',
  call: { on(event: 'cancelled', listener: () => void): unknown },
  callback: sendUnaryData<Response>,
  response: () => Response,
): void {
  const ended = node.calls.begin(method);
  call.on('cancelled', ended);
  const fault = node.faults.meet(method);
  if (fault?.kind === 'drop') return;
  const milliseconds = fault?.kind === 'delay' ? fault.milliseconds : 0;
  void sleep(milliseconds, undefined, { ref: false }).then(() => {
    ended();
    if (fault?.kind === 'fail') callback(fromFault(fault));
    else callback(null, response());
  });
}
