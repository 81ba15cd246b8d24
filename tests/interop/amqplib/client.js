// SPDX-License-Identifier: Apache-2.0
//
// What the programs beside this one share: the broker's address from the command line, an end with
// an exit code whatever happens, and a bound on waiting.
'use strict';

const amqp = require('amqplib');

const EVENT_MILLISECONDS_MAX = 15000;

/** Rejects when `promise` is not settled in time, naming what was waited for. */
function within(promise, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`${what}: nothing in ${EVENT_MILLISECONDS_MAX} ms`)),
      EVENT_MILLISECONDS_MAX);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Consumes `queue` until `count` messages came; resolves to them. */
async function collect(channel, queue, count, options = {}) {
  const messages = [];
  let consumer;
  const all = new Promise((resolve) => {
    consumer = channel.consume(queue, (message) => {
      messages.push(message);
      if (messages.length === count) resolve(messages);
    }, options);
  });
  const {consumerTag} = await consumer;
  await within(all, `${count} messages from ${queue}`);
  await channel.cancel(consumerTag);
  return messages;
}

/** Connects as `node program.js amqp://host:port [...]` says, and runs `talk(connection)`. */
function run(talk, query = '') {
  (async () => {
    const connection = await within(amqp.connect(process.argv[2] + query), 'connecting');
    let failure;
    connection.on('error', (error) => { failure = error; });
    await talk(connection);
    await connection.close();
    if (failure) throw failure;
  })().then(
    () => process.exit(0),
    (error) => {
      console.error(error);
      process.exit(1);
    });
}

module.exports = {amqp, within, collect, run};
