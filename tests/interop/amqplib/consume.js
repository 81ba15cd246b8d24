// SPDX-License-Identifier: Apache-2.0
//
// Consuming: prefetch, ack, nack and requeue, cancel notification, get, purge.
'use strict';

const assert = require('assert');
const {run, within} = require('./client');

run(async (connection) => {
  const channel = await connection.createChannel();
  const {queue} = await channel.assertQueue('', {autoDelete: true});
  await channel.assertExchange('amq.topic', 'topic');
  await channel.bindQueue(queue, 'amq.topic', 'amqplib.#');

  // Two at a time; the first is sent back once, and then comes again, marked.
  const seen = [];
  let unacked = 0, unackedMax = 0;
  await channel.prefetch(2);
  for (let number = 0; number < 20; number++) {
    channel.publish('amq.topic', `amqplib.${number}`, Buffer.from(String(number)));
  }
  const done = new Promise((resolve) => {
    channel.consume(queue, (message) => {
      if (message === null) return;
      unacked++;
      unackedMax = Math.max(unackedMax, unacked);
      seen.push([message.content.toString(), message.fields.redelivered]);
      setImmediate(() => {
        unacked--;
        const isToComeAgain = message.content.toString() === '0' && !message.fields.redelivered;
        if (isToComeAgain) channel.nack(message); else channel.ack(message);
        if (seen.length === 21) resolve();
      });
    });
  });
  await within(done, 'twenty messages and one again');
  assert(unackedMax <= 2, `${unackedMax} were out at once`);
  assert.deepStrictEqual(
    seen.filter(([body]) => body === '0'), [['0', false], ['0', true]]);
  assert.strictEqual(new Set(seen.map(([body]) => body)).size, 20);

  // A consumer whose queue is deleted is told so by a null message.
  const doomed = (await channel.assertQueue('', {})).queue;
  const cancelled = new Promise((resolve) => {
    channel.consume(doomed, (message) => { if (message === null) resolve(); });
  });
  await channel.checkQueue(doomed);
  const other = await connection.createChannel();
  await other.deleteQueue(doomed);
  await within(cancelled, 'the cancel notification');

  const got = (await channel.assertQueue('', {exclusive: true})).queue;
  assert.strictEqual(await channel.get(got), false);
  for (const body of ['a', 'b', 'c']) channel.sendToQueue(got, Buffer.from(body));
  const message = await channel.get(got);
  assert.strictEqual(message.content.toString(), 'a');
  assert.strictEqual(message.fields.messageCount, 2);
  channel.ack(message);
  assert.deepStrictEqual(await channel.purgeQueue(got), {messageCount: 2});
});
