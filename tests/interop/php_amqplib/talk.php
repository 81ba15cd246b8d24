<?php
// SPDX-License-Identifier: Apache-2.0
//
// php talk.php HOST PORT NAME: a work queue as PHP programs have one. Leaves with exit code 0 when
// all was as it should be.

declare(strict_types=1);

require_once 'PhpAmqpLib/autoload.php';

use PhpAmqpLib\Connection\AMQPStreamConnection;
use PhpAmqpLib\Exception\AMQPProtocolChannelException;
use PhpAmqpLib\Message\AMQPMessage;
use PhpAmqpLib\Wire\AMQPTable;

const EVENT_SECONDS_MAX = 15;

function check(bool $holds, string $what): void
{
    if (!$holds) {
        fwrite(STDERR, "not so: $what\n");
        exit(1);
    }
}

[, $host, $port, $name] = $argv;
$connection = new AMQPStreamConnection($host, $port, 'guest', 'guest', '/', heartbeat: 10);
$channel = $connection->channel();

// Declared with arguments, and bound to an exchange.
$arguments = new AMQPTable(['x-dead-letter-exchange' => '', 'x-dead-letter-routing-key' => "$name.dead"]);
$channel->queue_declare($name, false, true, false, false, false, $arguments);
$channel->queue_declare("$name.dead", false, true, false, false);
$channel->exchange_declare("$name.x", 'topic', false, true, false);
$channel->queue_bind($name, "$name.x", 'order.#');

// Confirms, and a message that goes nowhere comes back.
$acknowledged = 0;
$returned = [];
$channel->set_ack_handler(function () use (&$acknowledged) { ++$acknowledged; });
$channel->set_return_listener(function ($code, $text) use (&$returned) { $returned[] = "$code $text"; });
$channel->confirm_select();
for ($number = 0; $number < 100; ++$number) {
    $message = new AMQPMessage("body $number", [
        'delivery_mode' => AMQPMessage::DELIVERY_MODE_PERSISTENT,
        'content_type' => 'text/plain',
        'application_headers' => new AMQPTable(['number' => $number, 'list' => ['a', 1, true]]),
    ]);
    $channel->basic_publish($message, "$name.x", 'order.new');
}
$channel->basic_publish(new AMQPMessage('lost'), "$name.x", 'nowhere', true);
$channel->wait_for_pending_acks_returns(EVENT_SECONDS_MAX);
check($acknowledged === 101, "101 confirms, and not $acknowledged");
check($returned === ['312 NO_ROUTE'], 'one return: ' . implode(', ', $returned));

// Prefetch, acknowledgements, a rejected message that dies.
$channel->basic_qos(0, 10, false);
$bodies = [];
$channel->basic_consume($name, 'worker', false, false, false, false, function (AMQPMessage $message) use (&$bodies) {
    $headers = $message->get('application_headers')->getNativeData();
    check($headers['list'] === ['a', 1, true], 'headers come as they were sent');
    $bodies[] = $message->getBody();
    $headers['number'] === 7 ? $message->reject(false) : $message->ack();
    if (count($bodies) === 100) {
        $message->getChannel()->basic_cancel('worker');
    }
});
while ($channel->is_consuming()) {
    $channel->wait(null, false, EVENT_SECONDS_MAX);
}
$expected = array_map(fn ($number) => "body $number", range(0, 99));
check($bodies === $expected, 'all came once and in their order');
$dead = $channel->basic_get("$name.dead", true);
check($dead !== null && $dead->getBody() === 'body 7', 'the rejected one is dead');
$deaths = $dead->get('application_headers')->getNativeData()['x-death'];
check($deaths[0]['reason'] === 'rejected' && $deaths[0]['queue'] === $name, 'x-death says why');

// A transaction on a channel of its own, rolled back and committed.
$transaction = $connection->channel();
$transaction->tx_select();
$transaction->basic_publish(new AMQPMessage('never'), '', $name);
$transaction->tx_rollback();
$transaction->basic_publish(new AMQPMessage('done'), '', $name);
$transaction->tx_commit();
$got = $channel->basic_get($name, true);
check($got !== null && $got->getBody() === 'done', 'only what was committed is there');
check($channel->basic_get($name, true) === null, 'and nothing else');

// A refusal closes the channel, and only that.
try {
    $connection->channel()->queue_declare($name, true, false, false, false, false);
    $connection->channel()->queue_declare("$name.none", true);
    check(false, 'a passive declare of a missing queue is refused');
} catch (AMQPProtocolChannelException $refused) {
    check($refused->amqp_reply_code === 404, "404, and not {$refused->amqp_reply_code}");
}

foreach ([$name, "$name.dead"] as $queue) {
    $channel->queue_delete($queue);
}
$channel->exchange_delete("$name.x");
$connection->close();
