# Reads cookies, paths and parameters as Ruby's servers and frameworks do.
# Asked on standard input, answers on standard output, a line each; see `../readers.rs` for the words.

require "stringio"
require "uri"
require "rack"
require "sinatra/base"
require "action_controller"
require "action_dispatch"
require "webrick"

# A header or target as Ruby's servers hand it on: bytes.
def environment(given)
  {
    "REQUEST_METHOD" => "POST", "SCRIPT_NAME" => "", "PATH_INFO" => "/", "QUERY_STRING" => "",
    "SERVER_NAME" => "h", "SERVER_PORT" => "80", "HTTP_HOST" => "h", "rack.url_scheme" => "http",
    "rack.input" => StringIO.new("".b), "rack.errors" => StringIO.new,
  }.merge(given)
end

def one(value)
  value.nil? ? [] : [value]
end

# The values at a name such as `user[id]`: what is no text is none to a single look-up, its items follow.
def dig(parsed, name)
  name.split(/[\[\]]+/).each { |part| parsed = parsed.respond_to?(:key?) ? parsed[part] : nil }
  case parsed
  when nil then []
  when String then [parsed]
  else [nil, *items(parsed)]
  end
end

def items(value)
  case value
  when String then [value]
  when Array then value.flat_map { |item| items(item) }
  when Hash, ActionController::Parameters then value.to_h.values.flat_map { |item| items(item) }
  else []
  end
end

def rails_cookie(line, name)
  request = ActionDispatch::Request.new(environment("HTTP_COOKIE" => line))
  one(ActionDispatch::Cookies::CookieJar.build(request, request.cookies)[name])
end

COOKIES = {
  "rack" => ->(line, name) { one(Rack::Request.new(environment("HTTP_COOKIE" => line)).cookies[name]) },
  "rails" => ->(line, name) { rails_cookie(line, name) },
  "webrick" => ->(line, name) { WEBrick::Cookie.parse(line).select { |cookie| cookie.name == name }.map(&:value) },
  "cgi" => ->(line, name) { CGI::Cookie.parse(line)[name]&.to_a || [] },
}

# Paths. Each router has the routes that `../paths.rs` guards, and tells one that was reached as it
# is written here.
ROUTES = ["/admin/delete", "/users/:user/delete", "/users/me/draft"]

class SinatraRoutes < Sinatra::Base
  set :environment, :production
  disable :protection, :show_exceptions
  ROUTES.each { |route| post(route) { route } }
end
SINATRA = SinatraRoutes.new

RAILS = ActionDispatch::Routing::RouteSet.new
RAILS.draw do
  ROUTES.each { |route| match route, to: ->(_) { [200, {}, [route]] }, via: :all }
end

def route(application, path)
  status, _, body = application.call(environment("PATH_INFO" => path))
  return [] unless status == 200
  text = +""
  body.each { |part| text << part }
  [text]
end

# As puma and unicorn make PATH_INFO: the target up to the query.
def path_info(target)
  target.split("?", 2).first.to_s
end

def webrick_path(target)
  request = WEBrick::HTTPRequest.new(WEBrick::Config::HTTP)
  request.parse(StringIO.new("POST #{target} HTTP/1.1\r\nHost: h\r\n\r\n".b))
  [request.path]
end

PATHS = {
  "uri" => ->(target) { one(URI.parse(target).path) },
  "uri-decoded" => ->(target) { one(URI.decode_www_form_component(URI.parse(target).path)) },
  "puma" => ->(target) { [path_info(target)] },
  "puma-unescaped" => ->(target) { [Rack::Utils.unescape_path(path_info(target))] },
  # As Rack::Files and Rack::Directory resolve one.
  "rack-clean" => ->(target) { [Rack::Utils.clean_path_info(Rack::Utils.unescape_path(path_info(target)))] },
  "rails-normalized" => ->(target) { [ActionDispatch::Journey::Router::Utils.normalize_path(path_info(target))] },
  "webrick" => ->(target) { webrick_path(target) },
  "sinatra" => ->(target) { route(SINATRA, path_info(target)) },
  "rails" => ->(target) { route(RAILS, path_info(target)) },
}

QUERIES = {
  "rack" => ->(query, name) { dig(Rack::Request.new(environment("QUERY_STRING" => query)).GET, name) },
  "rack-flat" => ->(query, name) { [Rack::Utils.parse_query(query)[name]].flatten.compact.reverse },
  "rails" => ->(query, name) { dig(ActionDispatch::Request.new(environment("QUERY_STRING" => query)).query_parameters, name) },
  "uri" => ->(query, name) { URI.decode_www_form(query).select { |key, _| key == name }.map(&:last) },
  "cgi" => ->(query, name) { CGI.parse(query)[name] || [] },
}

def form_environment(body, type)
  environment(
    "CONTENT_TYPE" => type,
    "CONTENT_LENGTH" => body.bytesize.to_s,
    "rack.input" => StringIO.new(body),
  )
end

FORMS = {
  "rack" => ->(body, type, name) { dig(Rack::Request.new(form_environment(body, type)).POST, name) },
  "rails" => ->(body, type, name) { dig(ActionDispatch::Request.new(form_environment(body, type)).request_parameters, name) },
}

def encoded(values)
  return "-" if values.empty?
  values.map { |value| value.nil? ? "-" : value.unpack1("H*") }.join(",")
end

def reading(reader, *given)
  encoded(reader.call(*given))
rescue StandardError
  "!" # a parser that raises makes a server answer 400 or 500
end

def answers(kind, fields)
  case kind
  when "cookies" then COOKIES.map { |parser, reader| [parser, reading(reader, fields[1], fields[0])] }
  when "path" then PATHS.map { |parser, reader| [parser, reading(reader, fields[0])] }
  when "query" then QUERIES.map { |parser, reader| [parser, reading(reader, fields[1], fields[0])] }
  when "form" then FORMS.map { |parser, reader| [parser, reading(reader, fields[1], fields[2], fields[0])] }
  end
end

$stdout.sync = true
puts "Ruby #{RUBY_VERSION}, rack #{Rack.release}, sinatra #{Sinatra::VERSION}, actionpack #{ActionPack.version}, webrick #{WEBrick::VERSION}"
while (line = $stdin.gets)
  kind, *fields = line.chomp.split(" ", -1)
  fields = fields.map { |field| [field].pack("H*") }
  puts answers(kind, fields).map { |parser, said| "#{parser}:#{said}" }.join(" ")
end
