<?php
// Reads cookies, paths and parameters as PHP does, by its own superglobals: started as a FastCGI
// server, asked over its socket with what a web server hands on. `../readers/fastcgi.rs` asks.
// Answers with one line; see `../readers.rs` for the words.

/** The values at a name such as `user[id]`: what is no text is none to a single look-up, its items follow. */
function dig(array $from, string $name): array
{
    $value = $from;
    foreach (preg_split('/[\[\]]+/', $name, -1, PREG_SPLIT_NO_EMPTY) as $part) {
        if (!is_array($value) || !array_key_exists($part, $value)) {
            return [];
        }
        $value = $value[$part];
    }
    return is_array($value) ? [null, ...items($value)] : [$value];
}

function items(array $values): array
{
    $found = [];
    array_walk_recursive($values, function ($value) use (&$found) { $found[] = $value; });
    return $found;
}

function encoded(array $values): string
{
    $hex = array_map(fn($value) => $value === null ? '-' : bin2hex((string) $value), $values);
    return $hex === [] ? '-' : implode(',', $hex);
}

/** As a script of no framework looks its path up: false where PHP gives up. */
function path(string|null|false $path): array
{
    return is_string($path) ? [$path] : [];
}

/** A name as PHP writes it in its superglobals. */
function mangled(string $name): string
{
    parse_str(rawurlencode($name) . '=', $parsed);
    return (string) array_key_first($parsed);
}

$name = hex2bin($_SERVER['ASKED_NAME'] ?? '');
$target = $_SERVER['REQUEST_URI'] ?? '';
switch ($_SERVER['ASKED']) {
    case 'versions':
        echo 'PHP ', PHP_VERSION;
        break;
    case 'cookies':
        $value = $_COOKIE[mangled($name)] ?? null;
        echo 'php:', encoded($value === null ? [] : (is_array($value) ? [null, ...items($value)] : [$value]));
        break;
    case 'path':
        $parsed = path(parse_url($target, PHP_URL_PATH));
        echo 'parse_url:', encoded($parsed);
        echo ' parse_url-decoded:', encoded(array_map(rawurldecode(...), $parsed));
        echo ' parse_url-urldecoded:', encoded(array_map(urldecode(...), $parsed));
        echo ' strtok-decoded:', encoded([rawurldecode(explode('?', $target)[0])]);
        echo ' symfony:', encoded([rawurldecode(symfony($target))]);
        break;
    case 'query':
        parse_str($_SERVER['QUERY_STRING'], $parsed);
        echo 'php:', encoded(dig($_GET, $name)), ' parse_str:', encoded(dig($parsed, $name));
        break;
    case 'form':
        echo 'php:', encoded(dig($_POST, $name));
        break;
}

/** As symfony/http-foundation prepares it (Request::prepareRequestUri, preparePathInfo). */
function symfony(string $target): string
{
    if ($target !== '' && $target[0] === '/') {
        $target = strstr($target, '#', true) ?: $target;
    } else {
        $parts = parse_url($target) ?: [];
        $target = ($parts['path'] ?? '') . (isset($parts['query']) ? '?' . $parts['query'] : '');
    }
    return strstr($target, '?', true) ?: $target;
}
