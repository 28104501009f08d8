-- What guests answer, before anybody hears of it. Nginx takes a first line that is no HTTP for HTTP/0.9, and an early
-- answer (1xx) for the whole one; what comes after either it passes on as it is, on a connection that stays open
-- (nginx/nginx issue 1427). A proxy in front would take that for the answer to somebody else's request.
local answers = {}

-- of the service itself; users' host names are below the base domain
local service_names = { {{#each serviceHosts}}"{{this}}", {{/each}} }

-- Headers by which one answer speaks for everybody on its origin, and for longer than it lasts.
local origin_wide = {
  "Accept-CH", "Alt-Svc", "Cache-Group-Invalidation", "Critical-CH", "Expect-CT", "NEL", "Origin-Agent-Cluster",
  "Public-Key-Pins", "Public-Key-Pins-Report-Only", "Report-To", "Secure-Session-Registration",
  "Sec-Session-Registration", "Service-Worker-Allowed", "Set-Cookie2", "Set-Login", "Shared-Storage-Write",
  "Use-As-Dictionary",
}

-- `raw` where Nginx would send the visitor no headers either
local function refusal()
  if ngx.req.http_version() < 1 then return ngx.var.http2 == "" and "raw" or "whole" end
  if ngx.status >= 200 or (ngx.status == 101 and ngx.var.websocket ~= "") then return "" end
  return "whole"
end

-- Without the white space around it. No pattern here may look twice at what it has passed: all visitors wait for the
-- worker meanwhile, and a guest may say so many KiB of blanks.
local function trimmed(text)
  local from = text:find("%S")
  return from and text:match(".*%S", from) or ""
end

-- each attribute of a cookie with its name in small letters, and what it says
local function attributes_of(cookie)
  local first, rest = cookie:match("^([^;]*)(.*)$")
  local found = {}
  for text in rest:gmatch(";%s*([^;]*)") do
    local equals = text:find("=", 1, true) or #text + 1
    local name, value = text:sub(1, equals - 1), text:sub(equals + 1)
    found[#found + 1] = { name = trimmed(name):lower(), value = trimmed(value), text = text }
  end
  return first, found
end

-- Under a path: sent to the paths of this hosting alone. What its guest says of paths is meant below the prefix.
local function within_prefix(cookie)
  local first, attributes = attributes_of(cookie)
  local kept, path = { first }, nil
  for _, each in ipairs(attributes) do
    if each.name == "path" then path = each.value
    elseif each.name ~= "domain" then kept[#kept + 1] = each.text end
  end
  local prefix = ngx.var.prefix
  if path and path:sub(1, 1) == "/" then
    local has_it = path == prefix or path:sub(1, #prefix + 1) == prefix .. "/"
    kept[#kept + 1] = "Path=" .. (has_it and path or prefix .. path)
  elseif not ngx.var.request_uri:find("^/%d+/") then
    -- a browser would take the directory that the number is in
    kept[#kept + 1] = "Path=" .. prefix .. "/"
  end
  return table.concat(kept, "; ")
end

-- with those of its domains that may be
local function with_domains(cookie, may_be)
  local first, attributes = attributes_of(cookie)
  local kept = { first }
  for _, each in ipairs(attributes) do
    if each.name ~= "domain" or may_be(each.value:gsub("^%.", ""):lower()) then kept[#kept + 1] = each.text end
  end
  -- letter by letter what the guest said, where nothing is to be taken out
  return #kept > #attributes and cookie or table.concat(kept, "; ")
end

-- Under a host name: for this name, or what is below it; never for the names beside it.
local function within_name(cookie)
  local host = ngx.var.host
  return with_domains(cookie, function(domain) return domain == host end)
end

-- Under a domain that a user brought: for whatever is theirs, but never for the service's names and those below them.
local function outside_service(cookie)
  return with_domains(cookie, function(domain)
    for _, name in ipairs(service_names) do
      if name == domain or name:sub(-#domain - 1) == "." .. domain then return false end
    end
    return true
  end)
end

-- Whether cookies of this domain and of the service are cleared together, as those of one owner. Taking two of them for
-- one costs nothing but a clearing.
local function is_beside_service()
  local owner = ngx.var.host:match("[^.]+%.[^.]+$")
  for _, name in ipairs(service_names) do
    if owner and name:match("[^.]+%.[^.]+$") == owner then return true end
  end
  return false
end

local function each_cookie(change)
  local cookies = ngx.header["Set-Cookie"]
  if not cookies then return end
  if type(cookies) == "string" then cookies = { cookies } end
  for index, cookie in ipairs(cookies) do cookies[index] = change(cookie) end
  ngx.header["Set-Cookie"] = cookies
end

-- `"cookies"` are those of the whole domain, and so of every hosting.
local function clear_own_only()
  local said = ngx.header["Clear-Site-Data"]
  if not said then return end
  if type(said) == "table" then said = table.concat(said, ", ") end
  local kept = {}
  for what in said:gmatch('"([^"]*)"') do
    if what == "*" then kept[#kept + 1] = '"cache", "storage"'
    elseif what ~= "cookies" then kept[#kept + 1] = '"' .. what .. '"' end
  end
  ngx.header["Clear-Site-Data"] = #kept > 0 and table.concat(kept, ", ") or nil
end

local function add(name, value)
  local said = ngx.header[name]
  if type(said) == "table" then said[#said + 1] = value
  elseif said then said = { said, value }
  else said = value end
  ngx.header[name] = said
end

local keep = {
  path = function()
    for _, name in ipairs(origin_wide) do ngx.header[name] = nil end
    ngx.header["Clear-Site-Data"] = nil
    each_cookie(within_prefix)
    -- Browsers are led to the host name. One that was not taken for one shows this on no origin at all.
    if ngx.var.names_work ~= "" then add("Content-Security-Policy", "sandbox") end
  end,
  name = function()
    clear_own_only()
    each_cookie(within_name)
  end,
  host = function()
    if is_beside_service() then clear_own_only() end
    each_cookie(outside_service)
  end,
}

-- Of the headers of an answer, before they are sent.
function answers.check()
  local refused = refusal()
  if refused ~= "" then
    ngx.var.refused = refused
    return ngx.exit(502)
  end
  keep[ngx.var.found_by]()
end

return answers
