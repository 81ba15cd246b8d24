// SPDX-License-Identifier: Apache-2.0
//
// A confirm channel: every publish is acknowledged, a return comes before its
// acknowledgement.
'use strict';

const assert = require('assert');
const {collect, run, within} = require('./client');

run(async (connection) => {
  const channel = await connection.createConfirmChannel();
  const {queue} = await channel.assertQueue('', {exclusive: true});

  for (let number = 0; number < 1000; number++) {
    channel.sendToQueue(queue, Buffer.from(String(number)), {persistent: true});
  }
  await within(channel.waitForConfirms(), 'confirms');
  assert.strictEqual((await channel.checkQueue(queue)).messageCount, 1000);
  const messages = await collect(channel, queue, 1000, {noAck: true});
  assert.deepStrictEqual(
    messages.map((message) => Number(message.content)), [...Array(1000).keys()]);

  const events = [];
  channel.on('return', (message) => {
    events.push(`return ${message.fields.replyCode} ${message.fields.replyText}`);
  });
  await within(new Promise((resolve) => {
    channel.publish('amq.direct', 'nowhere', Buffer.from('back'), {mandatory: true}, (error) => {
      events.push(error ? 'nack' : 'ack');
      resolve();
    });
  }), 'the confirm of a returned message');
  assert.deepStrictEqual(events, ['return 312 NO_ROUTE', 'ack']);
});
