import { Injectable, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { acceptAll, FrameServer } from '../../test/frame-server.js';
import { TaskManager, TaskManagerModule } from './index.js';

@Injectable()
class Publisher {
  constructor(readonly tasks: TaskManager) {}
}

@Module({ providers: [Publisher], exports: [Publisher] })
class PublishingModule {}

let server: FrameServer;

beforeEach(async () => {
  server = await FrameServer.start(acceptAll);
});

afterEach(() => server.stop());

describe('TaskManagerModule', () => {
  it('lets every module inject the client, and closes it with the application', async () => {
    const module = await Test.createTestingModule({
      imports: [
        TaskManagerModule.forRoot({ transport: 'tcp', port: server.port }),
        PublishingModule,
      ],
    }).compile();
    const { tasks } = module.get(Publisher);
    expect(await tasks.startTask('a')).toMatchObject({ taskId: 'a' });
    await module.close();
    await expect(tasks.startTask('a')).rejects.toMatchObject({ code: 'CLOSED' });
  });

  it('takes its options from a factory', async () => {
    const module = await Test.createTestingModule({
      imports: [
        TaskManagerModule.forRootAsync({
          useFactory: () => ({ transport: 'tcp', port: server.port, actor: 'mia' }) as const,
        }),
      ],
    }).compile();
    await module.get(TaskManager).startTask('a');
    expect(server.received[0]?.data.meta).toMatchObject({ actor: { id: 'mia' } });
    await module.close();
  });
});
